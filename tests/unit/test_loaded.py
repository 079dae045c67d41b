from __future__ import annotations

from projections.loaded import Loaded, Subjects


def held(*names: str, max_weight: int) -> Subjects:
    subjects = Subjects(max_weight=max_weight)
    for name in names:
        subjects.put(name, Loaded())
    return subjects


def names_in(subjects: Subjects, *names: str) -> list[str]:
    return [name for name in names if name in subjects]


def test_the_least_recently_used_subjects_are_forgotten_first() -> None:
    subjects = held("a", "b", "c", max_weight=2 * Loaded().weight)
    subjects.get("a")
    subjects.evict(unwritten=())
    assert names_in(subjects, "a", "b", "c") == ["a", "c"]


def test_a_subject_that_is_not_written_yet_is_never_forgotten() -> None:
    subjects = held("a", "b", "c", max_weight=0)
    subjects.evict(unwritten={"b"})
    assert names_in(subjects, "a", "b", "c") == ["b"]


def test_what_a_batch_added_to_its_subjects_is_weighed() -> None:
    subjects = held("a", "b", max_weight=2 * Loaded().weight)
    subjects.get("b").contents["kp2mi", "1"] = b""
    subjects.evict(unwritten={"b"})
    assert names_in(subjects, "a", "b") == ["b"]


def test_what_is_new_to_a_partition_needs_no_question_though_others_were_forgotten() -> None:
    subjects = Subjects(max_weight=0)
    subjects.forget(whole={3})
    assert subjects.is_new("a", 3)
    subjects.evict(unwritten=())
    assert not subjects.is_new("a", 3)
    assert subjects.is_new("b", 3)
    assert not subjects.is_new("c", 4)


def test_who_gave_partitions_up_asks_for_all_subjects() -> None:
    subjects = Subjects()
    subjects.forget(whole={3})
    subjects.forget()
    assert not subjects.is_new("a", 3)
