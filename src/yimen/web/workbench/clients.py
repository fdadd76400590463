"""系统接口: departments' own systems, their keys, where they are told (S2-14)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yimen.exchange import clients, webhooks
from yimen.exchange.models import ApiClient, Webhook, WebhookDelivery
from yimen.lib.errors import DomainError
from yimen.people.models import Staff
from yimen.web.once import Done, Stay, keyed
from yimen.web.workbench.cases import CappedPaginator
from yimen.web.workbench.guard import StaffRequest, staff_page

PAGE = 50


class _Accounts(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} · {obj.number} · {obj.department.name}"


class ClientForm(forms.Form):
    """Only accounts no person uses are offered; the act itself looks again."""

    name = forms.CharField(
        label=gettext_lazy("系统名称"),
        max_length=80,
        error_messages={"required": gettext_lazy("请写系统的名称。")},
    )
    staff = _Accounts(
        label=gettext_lazy("用哪个账号办理"),
        queryset=Staff.objects.none(),
        empty_label=gettext_lazy("请选择"),
        help_text=gettext_lazy("这里只列没有人登录过、已经有岗位的账号；系统能办什么，由它的岗位决定。"),
        error_messages={"required": gettext_lazy("请选择一个账号。")},
    )
    expires_on = forms.DateField(
        label=gettext_lazy("密钥用到哪天"),
        required=False,
        help_text=gettext_lazy("不填就一直有效，直到停用。"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        free = [staff.pk for staff in clients.free_accounts(region)]
        accounts = Staff.objects.filter(pk__in=free).select_related("department").order_by("number")
        self.fields["staff"].queryset = accounts  # type: ignore[attr-defined]


class WebhookForm(forms.Form):
    """Where a client is told."""

    url = forms.CharField(
        label=gettext_lazy("接收地址"),
        max_length=300,
        help_text=gettext_lazy("公开的 https 地址，例如 https://hooks.example.gov.cn/yimen。"),
        error_messages={"required": gettext_lazy("请写接收地址。")},
    )


@staff_page("exchange.manage")
@require_safe
def page(request: StaffRequest) -> HttpResponse:
    today = timezone.localdate()
    rows = [
        (client, client.expires_on is not None and client.expires_on < today, _live(client))
        for client in clients.clients_of(request.staff.region_id)
    ]
    return render(request, "workbench/clients/list.html", {"rows": rows})


def _live(client: ApiClient) -> int:
    return sum(webhook.ended_at is None for webhook in client.webhooks.all())


@staff_page("exchange.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: StaffRequest) -> HttpResponse:
    """Not keyed: an answer kept would keep the key, and a repeat finds the name taken."""
    posted = request.POST if request.method == "POST" else None
    form = ClientForm(posted, region=request.staff.region_id)
    refused = ""
    if posted is not None and form.is_valid():
        said = form.cleaned_data
        try:
            client, key = clients.make_client(
                said["name"], said["staff"].pk, expires_on=said["expires_on"], by=request.staff, at=timezone.now()
            )
        except DomainError as error:
            refused = str(error)
        else:
            context = {"heading": _("密钥"), "client": client, "shown": key}
            return _never_kept(render(request, "workbench/clients/shown.html", context))
    context = {
        "heading": _("加一个系统"),
        "lead": _("密钥只显示一次。系统用它代替登录，能办的只有所选账号的岗位能办的。"),
        "parent": _("系统接口"),
        "back": reverse("workbench:clients"),
        "word": _("加上，给密钥"),
        "form": form,
        "refused": refused,
    }
    return render(request, "workbench/add.html", context, status=422 if posted is not None else 200)


def _never_kept(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    return response


def _client(request: StaffRequest, pk: UUID) -> ApiClient:
    rows = ApiClient.objects.select_related("staff__department", "staff__user")
    client = rows.filter(pk=pk, region=request.staff.region_id).first()
    if client is None:
        raise Http404
    return client


def _one(request: StaffRequest, client_id: UUID, **context: Any) -> HttpResponse:
    client = _client(request, client_id)
    context.pop("webhook_id", None)
    deliveries = WebhookDelivery.objects.filter(webhook__client=client)
    page = CappedPaginator(deliveries.order_by("-made_at", "-pk"), PAGE).get_page(request.GET.get("page"))
    context = {
        "client": client,
        "is_over": client.expires_on is not None and client.expires_on < timezone.localdate(),
        "webhooks": client.webhooks.order_by("ended_at", "made_at"),
        "page": page,
        "rows": [(delivery, problem_of(delivery.error) if delivery.error else "") for delivery in page],
        "form": WebhookForm(request.POST if "url" in request.POST else None),
    } | context
    return render(request, "workbench/clients/one.html", context)


def problem_of(error: str) -> str:
    """Return why nothing was answered, in words, for the name of what went wrong."""
    if "Timeout" in error:
        return _("十秒没有回答")
    if error == "BadAddress":
        return _("地址不能用了")
    if "SSL" in error:
        return _("证书不对")
    return _("连不上")


@staff_page("exchange.manage")
@require_safe
def one(request: StaffRequest, client_id: UUID) -> HttpResponse:
    return _one(request, client_id)


def _here(client: ApiClient, message: str) -> Done:
    return Done(reverse("workbench:client", args=[client.pk]), message)


@staff_page("exchange.manage")
@require_POST
@keyed("exchange.end_client", stay=_one)
def end(request: StaffRequest, client_id: UUID) -> Done:
    client = clients.end_client(_client(request, client_id).pk, by=request.staff, at=timezone.now())
    return _here(client, _("%(name)s停用了，它的密钥从现在起不能再用。") % {"name": client.name})


@staff_page("exchange.manage")
@require_POST
@keyed("exchange.register_webhook", stay=_one)
def webhook_new(request: StaffRequest, client_id: UUID) -> Done:
    client = _client(request, client_id)
    form = WebhookForm(request.POST)
    if not form.is_valid():
        raise Stay(form=form)
    webhooks.register(client, form.cleaned_data["url"], [], by=request.staff, at=timezone.now())
    return _here(client, _("接收地址登记好了。请给它换一个签名密钥，交给对方。"))


def _webhook(request: StaffRequest, client_id: UUID, webhook_id: UUID) -> tuple[ApiClient, Webhook]:
    client = _client(request, client_id)
    webhook = client.webhooks.filter(pk=webhook_id).first()
    if webhook is None:
        raise Http404
    return client, webhook


@staff_page("exchange.manage")
@require_POST
def webhook_secret(request: StaffRequest, client_id: UUID, webhook_id: UUID) -> HttpResponse:
    """Not keyed: an answer kept would keep the secret."""
    client, webhook = _webhook(request, client_id, webhook_id)
    secret = webhooks.rotate(webhook.pk, by=request.staff, at=timezone.now())
    context = {"heading": _("签名密钥"), "client": client, "webhook": webhook, "shown": secret}
    return _never_kept(render(request, "workbench/clients/shown.html", context))


@staff_page("exchange.manage")
@require_POST
@keyed("exchange.resume_webhook", stay=_one)
def webhook_resume(request: StaffRequest, client_id: UUID, webhook_id: UUID) -> Done:
    client, webhook = _webhook(request, client_id, webhook_id)
    webhooks.resume(webhook.pk, by=request.staff, at=timezone.now())
    return _here(client, _("接着发了，攒着的先发。"))


@staff_page("exchange.manage")
@require_POST
@keyed("exchange.end_webhook", stay=_one)
def webhook_end(request: StaffRequest, client_id: UUID, webhook_id: UUID) -> Done:
    client, webhook = _webhook(request, client_id, webhook_id)
    webhooks.end(webhook.pk, by=request.staff, at=timezone.now())
    return _here(client, _("这个接收地址停用了，不再往那里发。"))


urlpatterns = [
    path("clients", page, name="clients"),
    path("clients/new", new, name="client-new"),
    path("clients/<uuid:client_id>", one, name="client"),
    path("clients/<uuid:client_id>/end", end, name="client-end"),
    path("clients/<uuid:client_id>/webhooks", webhook_new, name="client-webhook"),
    path("clients/<uuid:client_id>/webhooks/<uuid:webhook_id>/secret", webhook_secret, name="client-webhook-secret"),
    path("clients/<uuid:client_id>/webhooks/<uuid:webhook_id>/resume", webhook_resume, name="client-webhook-resume"),
    path("clients/<uuid:client_id>/webhooks/<uuid:webhook_id>/end", webhook_end, name="client-webhook-end"),
]
