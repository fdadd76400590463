"""Places, organs, staff and applicants. ID and telephone numbers are stored sealed (SEC-44)."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.utils.translation import gettext_lazy as _

from yimen.lib import crypto, mask
from yimen.lib.ids import uuid7


class Region(models.Model):
    """行政区划; code by GB/T 2260. The shard key: every hot table carries it first."""

    code = models.CharField(max_length=12, primary_key=True)
    name = models.CharField(max_length=60)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")

    def __str__(self) -> str:
        return self.name


class ServiceCenter(models.Model):
    """政务服务中心; one with a parent is its branch (分中心)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="branches")
    code = models.SlugField(max_length=20)
    letters = models.CharField(max_length=4, help_text="begins the numbers citizens read, QH-261118-00417")
    name = models.CharField(max_length=80)
    motto = models.CharField(max_length=80, blank=True)
    address = models.CharField(max_length=160)
    hours = models.CharField(max_length=120)
    phone = models.CharField(max_length=40)
    complaint_way = models.CharField(max_length=80, default="12345", help_text="how to complain of somebody here")
    is_demo = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["region", "code"], name="center_code_once"),
            models.UniqueConstraint(fields=["region", "letters"], name="center_letters_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Department(models.Model):
    """实施主体 / 进驻单位: the organ in whose name a decision is made."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=120)
    short_name = models.CharField(max_length=20, blank=True)
    uscc = models.CharField(_("统一社会信用代码"), max_length=18, blank=True)
    phone = models.CharField(max_length=80, blank=True)
    is_resident = models.BooleanField(_("进驻大厅"), default=False)
    is_bureau = models.BooleanField(_("行政审批服务局"), default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "code"], name="department_code_once")]

    def __str__(self) -> str:
        return self.name


class ServicePoint(models.Model):
    """便民服务中心、便民服务点: a town or village place of service; code by GB/T 2260 and the towns' own digits."""

    class Kind(models.TextChoices):
        TOWN = "town", _("乡镇（街道）便民服务中心")
        VILLAGE = "village", _("村（社区）便民服务点")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    center = models.ForeignKey(ServiceCenter, models.PROTECT, null=True, blank=True, related_name="points")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    code = models.SlugField(max_length=20)
    name = models.CharField(max_length=80)
    address = models.CharField(max_length=160, blank=True)
    hours = models.CharField(max_length=120, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    closed_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "code"], name="service_point_once")]

    def __str__(self) -> str:
        return self.name


class OrganisationChange(models.Model):
    """
    机构调整 (S1-34): which sections there were before and after. Counts follow from the lists.

    department: empty for a change over several units; before, after: names of sections.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    department = models.ForeignKey(Department, models.PROTECT, null=True, blank=True)
    name = models.CharField(_("调整名称"), max_length=120)
    on = models.DateField(_("日期"))
    document_no = models.CharField(_("文号"), max_length=80, blank=True)
    before = models.JSONField(default=list)
    after = models.JSONField(default=list)

    class Meta:
        ordering = ["-on", "pk"]

    def __str__(self) -> str:
        return self.name


class Post(models.Model):
    """
    岗位: what flow steps name, and what citizens see instead of a person's name.

    duties and promise stand on the work card of whoever sits at a window (HALL-20).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    department = models.ForeignKey(Department, models.PROTECT, related_name="posts")
    name = models.CharField(max_length=60)
    duties = models.TextField(blank=True)
    promise = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["department", "name"], name="post_once")]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    def create_user(self, username: str, password: str | None = None, *, must_change_password: bool = False) -> User:
        user = self.model(username=self.model.normalize_username(username), must_change_password=must_change_password)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A login. There is deliberately no superuser: rights come from roles alone (TRAP-9)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    username = models.CharField(max_length=60, unique=True)
    is_active = models.BooleanField(default=True)
    must_change_password = models.BooleanField(default=False)
    joined_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "username"

    def __str__(self) -> str:
        return self.username


class SecondFactorTries(models.Model):
    """How often in a row a second-factor code was tried for a login; a right one removes the row."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="+")
    count = models.PositiveSmallIntegerField()
    last_at = models.DateTimeField()


class Staff(models.Model):
    """工作人员, with a service number that citizens may read (工号)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.OneToOneField(User, models.PROTECT, related_name="staff")
    region = models.ForeignKey(Region, models.PROTECT)
    center = models.ForeignKey(ServiceCenter, models.PROTECT, null=True, blank=True, related_name="staff")
    department = models.ForeignKey(Department, models.PROTECT, related_name="staff")
    post = models.ForeignKey(Post, models.PROTECT, null=True, blank=True, related_name="staff")
    number = models.CharField(_("工号"), max_length=20)
    name = models.CharField(max_length=60)
    phone = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "number"], name="staff_number_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"

    @property
    def ledger_ref(self) -> str:
        return f"staff:{self.pk}"

    @cached_property
    def role_name(self) -> str:
        """The roles this person acts in, for the ledger; read once per request."""
        return ",".join(sorted({grant.role for grant in self.granted}))[:40]

    @cached_property
    def granted(self) -> list[RoleGrant]:
        """
        The grants that count for this person now, in one statement: the own ones, and those of the colleagues he
        covers (HALL-6) while their accounts are open. An administrator's role never passes on (SEC-11).
        """
        covered = PostCover.objects.filter(stand_in=self, until_at=None, primary__user__is_active=True).values(
            "primary"
        )
        covering = models.Q(staff__in=covered) & ~models.Q(role__in=[role.value for role in ADMINISTRATORS])
        return list(RoleGrant.objects.filter(models.Q(staff=self) | covering, ended_at=None))

    @cached_property
    def acting_for(self) -> frozenset[UUID]:
        """Whose work is his now: his own, and that of the colleagues he covers who hold a role."""
        return frozenset({self.pk, *(grant.staff_id for grant in self.granted)})


class Role(models.TextChoices):
    GUIDE = "guide", _("导办员")
    CLERK = "clerk", _("窗口人员")
    APPROVER = "approver", _("审批人员")
    SURVEYOR = "surveyor", _("勘察人员")
    LEADER = "leader", _("负责人")
    HALL_MANAGER = "hall_manager", _("大厅管理员")
    EDITOR = "editor", _("事项编辑")
    PUBLISHER = "publisher", _("事项发布人")
    SUPERVISOR = "supervisor", _("监督人员")
    SYSTEM_ADMIN = "system_admin", _("系统管理员")
    SECURITY_ADMIN = "security_admin", _("安全管理员")
    AUDIT_ADMIN = "audit_admin", _("审计管理员")


ADMINISTRATORS = (Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN)


class RoleGrant(models.Model):
    """
    A role somebody holds, for one department or (department empty) for the whole region.

    The three administrators stay apart: one administrator role a person, and none beside it (SEC-11, TRAP-9).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    staff = models.ForeignKey(Staff, models.PROTECT, related_name="grants")
    role = models.CharField(max_length=20, choices=Role.choices)
    department = models.ForeignKey(Department, models.PROTECT, null=True, blank=True)
    granted_by = models.ForeignKey(Staff, models.PROTECT, null=True, related_name="+")
    granted_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["staff"],
                condition=models.Q(role__in=[role.value for role in ADMINISTRATORS], ended_at=None),
                name="one_administrator_role",
            ),
            models.UniqueConstraint(
                fields=["staff", "role", "department"],
                condition=models.Q(ended_at=None),
                nulls_distinct=False,
                name="role_once",
            ),
            ExclusionConstraint(
                name="administrators_stay_apart",
                expressions=[
                    ("staff", RangeOperators.EQUAL),
                    (
                        models.Case(
                            models.When(role__in=[role.value for role in ADMINISTRATORS], then=1),
                            default=0,
                            output_field=models.IntegerField(),
                        ),
                        RangeOperators.NOT_EQUAL,
                    ),
                ],
                condition=models.Q(ended_at=None),
            ),
        ]


class Applicant(models.Model):
    """
    申请人: a person or a firm. Numbers are sealed; only actions.reveal() opens one, with a reason in the ledger.

    id_index / phone_index: keyed blind indexes for exact look-up.
    """

    class Kind(models.TextChoices):
        PERSON = "person", _("自然人")
        FIRM = "firm", _("法人或其他组织")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=120)
    id_sealed = models.BinaryField()
    id_index = models.BinaryField()
    phone_sealed = models.BinaryField()
    phone_index = models.BinaryField()
    contact_name = models.CharField(max_length=60, blank=True)
    address = models.CharField(max_length=160, blank=True)
    user = models.OneToOneField(User, models.PROTECT, null=True, blank=True, related_name="applicant")
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "kind", "id_index"], name="applicant_once")]
        indexes = [
            models.Index(fields=["region", "phone_index"], name="applicant_by_phone"),
            # With pattern operators LIKE 'x%' is a range whatever the collation.
            models.Index(
                fields=["region", "name"], opclasses=["varchar_ops", "varchar_pattern_ops"], name="applicant_by_name"
            ),
        ]

    def __str__(self) -> str:
        return self.masked_name

    @property
    def ledger_ref(self) -> str:
        return f"applicant:{self.pk}"

    @property
    def role_name(self) -> str:
        return "applicant"

    @property
    def masked_name(self) -> str:
        return mask.name(self.name) if self.kind == self.Kind.PERSON else self.name

    @property
    def masked_id(self) -> str:
        return mask.id_number(crypto.open_sealed(bytes(self.id_sealed), "applicant.id"))

    @property
    def masked_phone(self) -> str:
        return mask.phone(crypto.open_sealed(bytes(self.phone_sealed), "applicant.phone"))

    @property
    def phone_to_call(self) -> str:
        """In clear, for the one moment a message is sent; pages show masked_phone (SEC-19)."""
        return crypto.open_sealed(bytes(self.phone_sealed), "applicant.phone")

    def phone_ends_with(self, last_four: str) -> bool:
        return len(last_four) == 4 and crypto.open_sealed(bytes(self.phone_sealed), "applicant.phone")[-4:] == last_four


class Account(models.Model):
    """
    网上账户: the login of a citizen or firm, and how sure we are who they are.

    DECLARED: only they say so; their applicant stands apart from the one a window may know by the same number.
    CHECKED: a window saw the paper, or they proved a case of theirs. declared_index: of the number they gave, as
    Applicant.id_index. check_code: read out at a window, where the paper is compared.
    """

    class Level(models.TextChoices):
        DECLARED = "declared", _("本人填报，还没核对证件")
        CHECKED = "checked", _("证件核对过了")

    user = models.OneToOneField(User, models.PROTECT, primary_key=True, related_name="account")
    region = models.ForeignKey(Region, models.PROTECT)
    applicant = models.OneToOneField(Applicant, models.PROTECT, related_name="account")
    declared_index = models.BinaryField()
    level = models.CharField(max_length=10, choices=Level.choices, default=Level.DECLARED)
    check_code = models.CharField(max_length=12)
    made_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True, blank=True)
    checked_by = models.ForeignKey(Staff, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["region", "check_code"], name="account_check_code_once")]


class StandIn(models.Model):
    """AB角 (HALL-6): the B post of an A post, set beforehand; it acts only while a PostCover runs."""

    primary = models.OneToOneField(Staff, models.CASCADE, primary_key=True, related_name="stand_in")
    stand_in = models.ForeignKey(Staff, models.CASCADE, related_name="stands_in_for")
    set_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~models.Q(primary=models.F("stand_in")), name="stand_in_is_another")
        ]


class StatedReason(models.Model):
    """
    Why somebody did something, in words typed by hand: they may name people, so they stand here, sealed and removable,
    and the ledger has only their fingerprint (SEC-19). stream, kind: of the ledger's row; by: its actor; region: empty
    for what belongs to no one place.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT, null=True)
    stream = models.CharField(max_length=80)
    kind = models.CharField(max_length=40)
    text_sealed = models.BinaryField()
    by = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["stream", "at"], name="stated_reason_by_stream")]


class PostCover(models.Model):
    """
    AB角 (HALL-6): while A is away, B acts with A's authority. from_at: when B took over; until_at empty: still.

    reason: why A is away. Outside a cover B has only his own rights.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    region = models.ForeignKey(Region, models.PROTECT)
    primary = models.ForeignKey(Staff, models.PROTECT, related_name="covered_by")
    stand_in = models.ForeignKey(Staff, models.PROTECT, related_name="covers")
    reason = models.CharField(max_length=80, blank=True)
    from_at = models.DateTimeField()
    until_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["primary"], condition=models.Q(until_at=None), name="one_running_cover_per_post"
            ),
            models.CheckConstraint(condition=~models.Q(primary=models.F("stand_in")), name="cover_is_another"),
        ]
