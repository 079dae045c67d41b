"""Random histories of every kind of subject, steered so that many of their events are in order.

A history grows event by event: each looks at the state before it, so that transfers get answered,
commitments fulfilled and cases closed, and about a third of what agencies do is still wrong.
"""

from tests.histories import agent, agreement, case, meeting, programme
from tests.histories.author import Author
from tests.histories.story import Story

STORIES: dict[str, Story] = {
    one.subject.partition("/")[0]: one
    for one in (case.STORY, meeting.STORY, agreement.STORY, agent.STORY, programme.STORY)
}
SUBJECT = case.STORY.subject

__all__ = ["STORIES", "SUBJECT", "Author"]
