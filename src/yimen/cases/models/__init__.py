"""Cases, their materials, tasks, clocks, documents, visits, results; ways of handling and of applying."""

from yimen.cases.models.applying import (
    ApplicationDraft,
    CaseMessage,
    OpinionTemplate,
    SavedFilter,
    Upload,
)
from yimen.cases.models.bundles import Batch, BatchPerson, BundleCase
from yimen.cases.models.cases import Case, CaseMaterial, Clock, Counter, HandlingMode, QueryTries, Task
from yimen.cases.models.clocks import ClockStop, Correction, CorrectionLine, Extension
from yimen.cases.models.modes import (
    AgentService,
    CaseMove,
    CaseTeam,
    Commitment,
    Expert,
    ExpertRequest,
    GapPromise,
    Guidance,
    PriorityGrant,
    Recusal,
    TeamMember,
)
from yimen.cases.models.notices import (
    ArchivePackage,
    Notice,
    NoticeTemplate,
    PublicityUpload,
    RetentionRule,
    SignedNotice,
)
from yimen.cases.models.results import Bar, FeeSlip, Quota, Renewal
from yimen.cases.models.visits import Hearing, InterestedParty, SiteVisit, VisitAnswer

__all__ = [
    "AgentService",
    "ApplicationDraft",
    "ArchivePackage",
    "Bar",
    "Batch",
    "BatchPerson",
    "BundleCase",
    "Case",
    "CaseMaterial",
    "CaseMessage",
    "CaseMove",
    "CaseTeam",
    "Clock",
    "ClockStop",
    "Commitment",
    "Correction",
    "CorrectionLine",
    "Counter",
    "Expert",
    "ExpertRequest",
    "Extension",
    "FeeSlip",
    "GapPromise",
    "Guidance",
    "HandlingMode",
    "Hearing",
    "InterestedParty",
    "Notice",
    "NoticeTemplate",
    "OpinionTemplate",
    "PriorityGrant",
    "PublicityUpload",
    "QueryTries",
    "Quota",
    "Recusal",
    "Renewal",
    "RetentionRule",
    "SavedFilter",
    "SignedNotice",
    "SiteVisit",
    "Task",
    "TeamMember",
    "Upload",
    "VisitAnswer",
]
