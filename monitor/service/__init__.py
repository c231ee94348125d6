"""The running daemon: `process` starts and stops it, `scheduler` says what runs when, `watchdog` proves that nothing is
forgotten, `console_view` shows it to whoever runs it in a terminal.
"""
