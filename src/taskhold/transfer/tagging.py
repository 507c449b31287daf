"""Words of other programs as tags."""

from taskhold.tags.models import MOST_TAGS, TAG_LENGTH, fold_tag
from taskhold.texts import WHITE_SPACE
from taskhold.transfer.items import Report, one_line


def tags_from(line: int, words: list[str], report: Report) -> list[str]:
    """What of them can be tags, each once, and a note on what can't."""
    tags: dict[str, str] = {}
    for word in words:
        tag = one_line(word)
        if "," in tag:
            tag = " ".join(tag.replace(",", " ").split())
        if len(tag) > TAG_LENGTH:
            report.note(line, f"a tag is cut to {TAG_LENGTH} characters")
            tag = tag[:TAG_LENGTH].rstrip(WHITE_SPACE)
        if tag:
            tags.setdefault(fold_tag(tag), tag)
    if len(tags) > MOST_TAGS:
        report.note(line, f"it has {len(tags)} tags; the first {MOST_TAGS} are carried")
    return list(tags.values())[:MOST_TAGS]
