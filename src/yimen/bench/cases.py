"""An immediate case from receipt to delivery through the actions, and the same statements sent raw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

from django.utils import timezone

from yimen.bench.measure import Figure, Replay, Statement, figure, raw_client, recording, run_for
from yimen.cases import actions
from yimen.cases.models import Case
from yimen.catalog.models import ItemVersion
from yimen.faults.seed import Seed
from yimen.people.models import Applicant, ServiceCenter, Staff

ACTS = ("receive", "accept", "decide", "deliver")


@dataclass
class Scene:
    """What every lifecycle needs, read once as a request would have it."""

    seed: Seed
    clerk: Staff
    center: ServiceCenter
    applicants: list[Applicant]

    @classmethod
    def load(cls, seed: Seed) -> Scene:
        clerk = Staff.objects.select_related("user").get(pk=seed.staff["clerk"])
        _ = clerk.granted, clerk.role_name
        applicants = list(Applicant.objects.filter(pk__in=seed.applicants))
        return cls(seed, clerk, ServiceCenter.objects.get(pk=seed.center), applicants)

    def version(self) -> ItemVersion:
        """As a request finds it: one query."""
        return ItemVersion.objects.select_related("item__department", "item__region").get(
            pk=self.seed.versions["immediate"]
        )

    def steps(self, n: int) -> list[tuple[str, Callable[[Any], Any]]]:
        """The acts of one lifecycle in order; each takes the case id of the one before."""
        applicant, clerk = self.applicants[n % len(self.applicants)], self.clerk

        def receive(_case: None) -> UUID:
            version = self.version()
            complete = {material.pk: actions.Handed("complete") for material in version.materials.all()}
            case = actions.receive(
                version, applicant, center=self.center, materials=complete, by=clerk, at=timezone.now()
            )
            pk: UUID = case.pk
            return pk

        return [
            ("receive", receive),
            ("accept", lambda pk: actions.accept(pk, by=clerk, at=timezone.now()).pk),
            ("decide", lambda pk: actions.decide(pk, outcome="granted", by=clerk, at=timezone.now()).pk),
            ("deliver", lambda pk: actions.deliver(pk, how="window", by=clerk, at=timezone.now()).pk),
        ]

    def live(self, n: int) -> UUID:
        """One whole lifecycle."""
        case: Any = None
        for _name, act in self.steps(n):
            case = act(case)
        pk: UUID = case
        return pk


def record(scene: Scene) -> dict[str, list[Statement]]:
    """Return the statements of each act of one lifecycle, BEGIN and COMMIT left out."""
    scene.live(0)  # what is read once a process is read
    case: Any = None
    acts: dict[str, list[Statement]] = {}
    for name, act in scene.steps(1):
        with recording() as sent:
            case = act(case)
        acts[name] = list(sent)
    acts["case"] = [("", case)]
    return acts


def replay_of(scene: Scene, acts: dict[str, list[Statement]]) -> Replay:
    """The recorded lifecycle, ready to be sent raw."""
    case = Case.objects.get(pk=acts["case"][0][1])
    fresh = [case.case_no, case.query_no]
    for notice in case.notices.all():
        fresh += [notice.number, notice.verify_code]
    known = {str(scene.clerk.pk), str(scene.center.pk), *scene.seed.applicants, *scene.seed.versions.values()}
    known |= {*scene.seed.items.values(), str(scene.clerk.department_id)}
    known |= {str(pk) for pk in scene.version().materials.values_list("pk", flat=True)}
    known |= {str(pk) for pk in scene.version().steps.values_list("pk", flat=True)}
    return Replay([acts[name] for name in ACTS], known, fresh)


def bench(seed: Seed, url: str, *, seconds: float, clients: tuple[int, ...] = (1, 8)) -> list[Figure]:
    """Lifecycles a second through the actions beside raw, for each number of clients."""
    scene = Scene.load(seed)
    acts = record(scene)
    replay = replay_of(scene, acts)
    numbers = count()
    rows = []
    for many in clients:
        raw = run_for(seconds, many, lambda n: raw_client(url, replay))
        took = run_for(seconds, many, lambda n: lambda: scene.live(next(numbers)))
        row = figure("case lifecycles, actions", many, took, statements=replay.statements)
        row.raw_per_second = (len(raw) - 1) / raw[0]
        rows.append(row)
    return rows


def per_act(seed: Seed) -> dict[str, int]:
    """Statements the database sees for each act."""
    acts = record(Scene.load(seed))
    return {name: len(acts[name]) for name in ACTS}
