"""The steps of an import: look what is there, then write what is new, a part at a time."""

import time
from typing import Any

from taskhold.cli.database import Account, Database
from taskhold.cli.progress import Advance, bars
from taskhold.cli.stopping import Stop
from taskhold.folding import fold_title
from taskhold.transfer import operations
from taskhold.transfer.items import Report
from taskhold.transfer.making import Import, make
from taskhold.transfer.operations import IDS, JOURNAL
from taskhold.transfer.staging import GONE, IN_TRASH, LIVE, NEW, Staging

FIRST_ROWS, MOST_ROWS = 200, 2_000
STEP_SECONDS = 0.1
"""How long one transaction should take: others wait so long for theirs."""
PAUSE = 0.1
"""How long others are let in behind it, as a part of what it took."""
CHANGES_AT_ONCE = 500


class Steps:
    """One import on its way."""

    def __init__(self, found: Database, account: Account, staging: Staging, file_hash: str) -> None:
        self.found = found
        self.account = account
        self.staging = staging
        self.file_hash = file_hash
        self.kept: str | None = None
        self.journal_left_out = ""
        """Why the file's journal is not carried."""
        self.counts: dict[str, dict[str, int]] = {}
        self.is_whole = True

    def look(self, report: Report, *, again: bool) -> None:
        """Put in order what the file says, and find what is there already."""
        found, account, staging = self.found, self.account, self.staging
        missing = staging.missing_parents()
        for first in range(0, len(missing), CHANGES_AT_ONCE):
            some = missing[first : first + CHANGES_AT_ONCE]
            for key, known in found.read(operations.known, account.id, some).items():
                if known.state == LIVE:
                    staging.add_known(key, known.object_id)
        staging.settle()
        is_empty = found.read(operations.is_empty, account.id)
        after = 0
        while not is_empty and (some_items := staging.unknown(after)):
            after = some_items[-1]["seq"]
            known_ones = found.read(
                operations.known, account.id, [each["key"] for each in some_items]
            )
            staging.note_known(some_items, known_ones, again=again)
        matched = {}
        for each in staging.named_lists():
            for name in dict.fromkeys((each["name"], each["alias"])):
                list_id = found.read(operations.list_named, account.id, name, fold_title(name))
                if list_id is not None:
                    matched[each["seq"]] = list_id
                    break
        staging.note_lists(matched)
        self.kept = self._what_is_kept()
        if staging.count("change") and self.kept != JOURNAL:
            self.journal_left_out = self.journal_left_out or (
                "the account has changes of its own, or the ids are taken"
            )
            report.note(0, f"the journal is left out: {self.journal_left_out}")
        self.counts = {
            kind: {state: staging.count(kind, state) for state in (NEW, LIVE, IN_TRASH, GONE)}
            for kind in ("list", "task", "trash")
        }

    def _what_is_kept(self) -> str | None:
        """Whether the ids of the file, and its journal, are kept; None for neither."""
        staging, found = self.staging, self.found
        begun = found.read(operations.kept_of_file, self.account.id, self.file_hash)
        if staging.count("change"):
            self.journal_left_out = staging.index_changes() or ""
        if begun is not None:
            return begun
        ids = staging.ids()
        if not ids or staging.lacks_ids():
            return None
        if not found.read(operations.is_empty, self.account.id):
            return None
        if not found.read(operations.are_free, ids):
            return None
        return JOURNAL if staging.count("change") and not self.journal_left_out else IDS

    def write(self) -> None:
        """Make what is new, in transactions that are short enough for others to come in between."""
        total = sum(each[NEW] for each in self.counts.values())
        stop = Stop()
        with bars("rows") as advance:
            if self.kept is not None:
                self._begin()
            self._give_ids_to_trash()
            account = self.account
            importing = Import(account.id, account.name, self.file_hash, self.kept)
            behind, rows, done = (-1, -1, -1, -1), FIRST_ROWS, 0
            while chunk := self.staging.next_chunk(behind, rows):
                last = chunk[-1]
                behind = last["rank"], last["turn"], last["level"], last["seq"]
                took = self._timed(make, importing, chunk)
                rows = int(min(max(rows * min(STEP_SECONDS / took, 2.0), 1), MOST_ROWS))
                done += len(chunk)
                advance("Importing", done, total)
                if stop.wanted and done < total:
                    self.is_whole = False
                    return
            if self.kept == JOURNAL:
                self._write_journal(stop, advance)

    def _timed(self, operation: Any, *arguments: Any) -> float:
        """Write; how many seconds that took. Then others get their turn."""
        began = time.perf_counter()
        made = self.found.write(self.account.id, operation, *arguments)
        if isinstance(made, dict):
            self.staging.made(made)
        took = max(time.perf_counter() - began, 1e-6)
        self.found.index()
        time.sleep(took * PAUSE)
        return took

    def _begin(self) -> None:
        found, account, staging = self.found, self.account, self.staging
        if found.read(operations.kept_of_file, account.id, self.file_hash):
            return
        newest = []
        if self.kept == JOURNAL:
            newest = staging.changes_before(2**63 - 1, CHANGES_AT_ONCE)
        self.kept = found.write(
            account.id, operations.begin, account.id, self.file_hash, staging.ids(), newest
        )

    def _give_ids_to_trash(self) -> None:
        without = self.staging.trash_without_id(keeps_ids=self.kept is not None)
        if without:
            ids = self.found.write(self.account.id, operations.ids_for_trash, len(without))
            self.staging.give_ids(dict(zip(without, ids, strict=True)))

    def _write_journal(self, stop: Stop, advance: Advance) -> None:
        """The rest of the journal, the newest first."""
        total, done = self.staging.count("change"), 0
        while True:
            oldest = self.found.read(operations.oldest_change, self.account.id)
            some = self.staging.changes_before(oldest or 2**63 - 1, CHANGES_AT_ONCE)
            if not some:
                return
            self._timed(operations.put_changes, self.account.id, some)
            done += len(some)
            advance("Journal", min(done + CHANGES_AT_ONCE, total), total)
            if stop.wanted:
                self.is_whole = False
                return
