"""The sentence that is the letter's subject and its first line: what is worst, in at most two parts. Pure."""

from __future__ import annotations

from alerts.wording import count_words
from monitor.reports.letter.stories import Problem
from monitor.reports.letter.week import Week

MOST = 2


def of(week: Week) -> str:
    """ "2 critical still open, 4 cases overdue"; of a calm week, that it was calm, unless we did not look.

    It never says that everybody was answered: cases are closed without a reply, and not every post opens one.
    """
    found = parts(week)
    if found:
        said = ", ".join(found[:MOST])
        return said[0].upper() + said[1:]
    if sweep := week.waiting["sweep"]:
        return f"Nothing urgent, {count_words(sweep, 'post')} may need an answer"
    if week.volume.mentions:
        return "Nobody is waiting for an answer"
    return "Nobody wrote, as far as we could see" if week.not_seen else "A quiet week: nobody wrote"


def parts(week: Week) -> list[str]:
    """What is not well, the worst first."""
    waiting = week.waiting
    found = ["an incident is still open" for each in week.outbreaks if each.end is None][:1]
    if waiting["critical"]:
        found.append(f"{waiting['critical']:,} critical still open")
    found += [grown(each) for each in week.problems if each.growth][:1]
    if waiting["overdue"]:
        found.append(f"{count_words(waiting['overdue'], 'case')} overdue")
    if not found and waiting["called"]:
        found.append(f"{count_words(waiting['called'], 'person', 'people')} still without an answer")
    if late := week.waiting["late"]:
        found.append(f"{count_words(late, 'complaint')} found too late to alert anyone")
    if week.leaving.people:
        found.append(f"{count_words(week.leaving.people, 'person says', 'people say')} they are leaving")
    return found


def grown(problem: Problem) -> str:
    """ "app crashes doubled", "late delivery up from 3 to 14 people"."""
    name = problem.name[:1].lower() + problem.name[1:]
    if name.count(" ") > 1:  # else its end runs into ours
        name = f"“{problem.name}”"
    if problem.growth == "up":
        return f"{name} up from {problem.before:,} to {count_words(problem.people, 'person', 'people')}"
    return f"{name} {problem.growth}"
