"""Who has ticks and jobs done: one process by itself, many over one database, or whoever lets time pass by hand."""
