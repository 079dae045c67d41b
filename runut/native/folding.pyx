# cython: language_level=3
"""An effective event of a loaded subject folded: the same as `plain_fold_next` of
`projections.batch`, and what rules ask most of their `Folding`. The rules themselves are called.

Whatever else an event may be (forged, a duplicate, irregular), the plain fold says. Guards only
look, so it may ask them again.
"""

from cython cimport final
from cpython.object cimport Py_GT, PyObject_RichCompareBool

from runut.native.slots cimport held, hold, place

from msgspec.structs import replace

from runut.event import AUTHENTIC, Event, Recorded

cdef extern from "Python.h":
    object PyType_GenericAlloc(type of, Py_ssize_t items)
    int PyUnicode_Compare(str one, str other) except? -1
    Py_ssize_t PyUnicode_GET_LENGTH(str text) noexcept

cdef frozenset authentic = AUTHENTIC
cdef object event_class = Event, recorded_class = Recorded
cdef Py_ssize_t EVENT = place(Recorded, "event")
cdef Py_ssize_t RECORDED_AT = place(Recorded, "recorded_at")
cdef Py_ssize_t SIGNATURE = place(Recorded, "signature")
cdef Py_ssize_t CONTENT = place(Recorded, "content")
cdef Py_ssize_t TYPE = place(Event, "type")
cdef Py_ssize_t DATA = place(Event, "data")
cdef Py_ssize_t EVENT_ID = place(Event, "event_id")
cdef Py_ssize_t SUBJECT = place(Event, "subject")
cdef Py_ssize_t AGENCY = place(Event, "agency")
cdef Py_ssize_t OCCURRED_AT = place(Event, "occurred_at")


@final
cdef class FoldingPlaces:
    """Where a `LoadedFolding` holds what: a `Folding` of a loaded subject."""

    cdef type of, plain
    cdef Py_ssize_t state, recorded, directory, seen, event, data, agency, at, subject, written

    def __init__(self, plain):
        asked = {"__slots__": (), "find": find, "get": get, "put": put}
        of = type("LoadedFolding", (plain,), asked)
        self.of, self.plain = of, plain
        self.state = place(of, "state")
        self.recorded = place(of, "recorded")
        self.directory = place(of, "directory")
        self.seen = place(of, "seen")
        self.event = place(of, "event")
        self.data = place(of, "data")
        self.agency = place(of, "agency")
        self.at = place(of, "at")
        self.subject = place(of, "subject")
        self.written = place(of, "written")


@final
cdef class LoadedPlaces:
    """Where a `Loaded` holds what, and where its `Counts` do."""

    cdef type of
    cdef object counts_of
    cdef Py_ssize_t contents, counts, is_new, last_recorded_at, rows, state, events

    def __init__(self, of, counts):
        self.of, self.counts_of = of, counts
        self.contents = place(of, "contents")
        self.counts = place(of, "counts")
        self.is_new = place(of, "is_new")
        self.last_recorded_at = place(of, "last_recorded_at")
        self.rows = place(of, "rows")
        self.state = place(of, "state")
        self.events = place(counts, "events")


cdef FoldingPlaces in_folding = None
cdef LoadedPlaces in_loaded = None


cdef int know(folding, loaded, counts) except -1:
    """Learn the classes, once: there is one of each."""
    global in_folding, in_loaded
    if in_folding is None:
        in_folding, in_loaded = FoldingPlaces(folding), LoadedPlaces(loaded, counts)
    if (in_folding.plain, in_loaded.of, in_loaded.counts_of) != (folding, loaded, counts):
        raise TypeError("other classes are known")
    return 0


@final
cdef class Way:
    """What events of one type go through on subjects of one kind."""

    cdef bint creates, may_exist
    cdef object admits, guard, effect, after
    cdef tuple naming

    def __init__(self, kind, event_type, naming):
        rule = kind.rules[event_type]
        self.creates = event_type in kind.created_by
        self.may_exist = not (self.creates and kind.created_once)
        self.admits = kind.admits
        self.naming = naming
        self.guard = rule.guard
        self.effect = rule.effect
        self.after = kind.after


@final
cdef class EffectiveFold:
    """Folds events of loaded subjects into a batch's changes, and moves the subjects on past them.

    `naming` has the fields of each type of event that name agencies; `entry` and what follows are
    the classes of what is made and read.
    """

    cdef readonly type folding
    """The class of what rules get."""
    cdef object plain, naming, entry, written
    cdef dict kind_named, kind_of_state, ways

    def __init__(self, plain, kinds, naming, entry, written, folding, loaded, counts):
        know(folding, loaded, counts)
        self.folding = in_folding.of
        self.plain, self.naming, self.entry, self.written = plain, naming, entry, written
        self.kind_named = dict(kinds)
        self.kind_of_state = {kind.state: kind for kind in kinds.values()}
        self.ways = {kind.state: {} for kind in kinds.values()}

    def fold_next(self, loaded, recorded, directory, changes):
        """Fold the next event of a loaded subject."""
        cdef Way way = self.passed(loaded, recorded, directory)
        if way is None:
            return self.plain(loaded, recorded, directory, changes)
        folding, state = begun(loaded, recorded, directory), held(loaded, in_loaded.state)
        for _ in way.guard(folding):
            return self.plain(loaded, recorded, directory, changes)
        if state is not None:
            hold(folding, in_folding.state, replace(state))
        way.effect(folding)
        way.after(folding)
        self.write(held(folding, in_folding.written), loaded, recorded, changes)
        number = move_on(loaded, recorded, held(folding, in_folding.state))
        (<list?>changes.history).append(self.entry(number, recorded, "EFFECTIVE", (), False))

    cdef int write(self, dict rows, loaded, recorded, changes) except -1:
        """Add what an event wrote to the changes and to what is loaded: `Written.take`."""
        cdef dict added, changed, known
        if not rows:
            return 0
        subject, known = held(held(recorded, EVENT), SUBJECT), held(loaded, in_loaded.rows)
        written = changes.rows.get(subject)
        if written is None:
            written = changes.rows[subject] = self.written()
        added, changed = written.added, written.changed
        is_new = held(loaded, in_loaded.is_new)
        for key, row in rows.items():
            if key in added or (known.get(key) is None and (is_new or loaded.lacks(key))):
                added[key] = row
            else:
                changed[key] = row
        known.update(rows)
        return 0

    cdef Way passed(self, loaded, recorded, directory):
        """The way of an event that passes all stages before its own guards, else None."""
        cdef Way way
        if type(recorded) is not recorded_class or type(loaded) is not in_loaded.of:
            return None
        event, state = held(recorded, EVENT), held(loaded, in_loaded.state)
        if type(event) is not event_class or held(recorded, SIGNATURE) not in authentic:
            return None
        if not is_first(event, loaded):
            return None
        if PyObject_RichCompareBool(held(event, OCCURRED_AT), held(recorded, RECORDED_AT), Py_GT):
            return None
        way = self.way(state, event)
        if way is None or not (way.creates if state is None else way.may_exist):
            return None
        if state is not None and not way.admits(state, event):
            return None
        if way.naming:
            named = agencies_in(held(event, DATA), way.naming)
            if named and not directory.codes.issuperset(named):
                return None
        return way

    cdef Way way(self, state, event):
        """Of events of this type on such subjects; None where there is none."""
        cdef dict ways
        event_type = held(event, TYPE)
        if state is None:
            kind = self.kind_named.get(held(event, SUBJECT).partition("/")[0])
        else:
            kind = self.kind_of_state.get(type(state))
        if kind is None:
            return None
        ways = self.ways[kind.state]
        way = ways.get(event_type)
        if way is None and event_type in kind.rules:
            way = ways[event_type] = Way(kind, event_type, self.naming[event_type])
        return way


cdef bint is_first(event, loaded) except -1:
    """Whether it is certain that no record of before has its emitter and id."""
    cdef dict contents = held(loaded, in_loaded.contents)
    identity = held(event, AGENCY), held(event, EVENT_ID)
    if held(loaded, in_loaded.is_new):
        return contents.get(identity) is None
    return contents.get(identity, False) is None


cdef object move_on(loaded, recorded, state):
    """Move a subject on past an effective event: `Loaded.take`. Gives the event's number."""
    cdef dict contents = held(loaded, in_loaded.contents)
    counts, event = held(loaded, in_loaded.counts), held(recorded, EVENT)
    if type(counts) is not in_loaded.counts_of:
        raise TypeError(f"{type(counts).__name__} counts no events")
    number = held(counts, in_loaded.events) + 1
    hold(counts, in_loaded.events, number)
    hold(loaded, in_loaded.state, state)
    hold(loaded, in_loaded.last_recorded_at, held(recorded, RECORDED_AT))
    contents[held(event, AGENCY), held(event, EVENT_ID)] = held(recorded, CONTENT)
    return number


cdef object begun(loaded, recorded, directory):
    """A `LoadedFolding` of an event."""
    folding, event = PyType_GenericAlloc(in_folding.of, 0), held(recorded, EVENT)
    hold(folding, in_folding.state, held(loaded, in_loaded.state))
    hold(folding, in_folding.recorded, recorded)
    hold(folding, in_folding.directory, directory)
    hold(folding, in_folding.seen, loaded)
    hold(folding, in_folding.event, event)
    hold(folding, in_folding.data, held(event, DATA))
    hold(folding, in_folding.agency, held(event, AGENCY))
    hold(folding, in_folding.at, held(event, OCCURRED_AT))
    hold(folding, in_folding.subject, held(event, SUBJECT))
    hold(folding, in_folding.written, {})
    return folding


def find(self, table, ident):
    """A row by its key, this event's own writes first: `Folding.find`."""
    cdef dict written, rows
    check(self)
    key, seen = (table, ident), held(self, in_folding.seen)
    written = held(self, in_folding.written)
    found = written.get(key) if written else None
    if found is None and type(seen) is in_loaded.of:
        rows = held(seen, in_loaded.rows)
        found = rows.get(key)
        if found is None and held(seen, in_loaded.is_new):
            return None
    return seen.row(table, ident) if found is None else found


def get(self, table, ident):
    """A row that a guard has already shown to exist: `Folding.get`."""
    found = find(self, table, ident)
    return in_folding.plain.get(self, table, ident) if found is None else found


def put(self, row):
    """Write a row: `Folding.put`."""
    cdef dict written
    check(self)
    written = held(self, in_folding.written)
    written[type(row), row.ident] = row


cdef inline int check(folding) except -1:
    if in_folding is None or type(folding) is not in_folding.of:
        raise TypeError(f"a {type(folding).__name__} is no folding of a loaded subject")
    return 0


def newcomers(event, tuple fields, str custodian, tuple known not None):
    """`newcomers` of `projections.folds.guards`."""
    cdef list found = []
    cdef str agency = event.agency
    if not is_among(known, agency):
        found.append(agency)
    if not is_among(known, custodian):
        found.append(custodian)
    if fields:
        for agency in agencies_in(event.data, fields):
            if not is_among(known, agency):
                found.append(agency)
    return found


cdef list agencies_in(data, tuple fields):
    """Agencies that some fields of an event name."""
    cdef list named = []
    cdef str name
    for name in fields:
        value = data[name]
        if type(value) is str:
            named.append(value)
        elif value:
            named.extend([one["debtor"] for one in value] if name == "clauses" else value)
    return named


def with_agency(tuple agencies not None, str agency):
    """`with_agency` of `projections.folds.case_state`."""
    cdef list more
    if is_among(agencies, agency):
        return agencies
    if not agencies:
        return (agency,)
    more = list(agencies)
    more.append(agency)
    more.sort()
    return tuple(more)


cdef bint is_among(tuple agencies, str agency) except -1:
    """Whether it is one of a few; most others are told from it by their length."""
    cdef str one
    if agency is None:
        raise TypeError("no agency")
    for one in agencies:
        if one is agency:
            return True
        if (
            one is not None
            and PyUnicode_GET_LENGTH(one) == PyUnicode_GET_LENGTH(agency)
            and PyUnicode_Compare(one, agency) == 0
        ):
            return True
    return False
