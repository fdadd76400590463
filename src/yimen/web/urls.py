from django.urls import include, path
from django.views.i18n import set_language

from yimen.web import sms, views
from yimen.web.api.root import api
from yimen.web.portal import ticket

urlpatterns = [
    path("workbench/", include("yimen.web.workbench.urls")),  # first: it is asked most, and the portal's are many
    path("", include("yimen.web.portal.urls")),
    path("kiosk/", include("yimen.web.kiosk.urls")),
    path("t/<uuid:ticket_id>/", ticket.follow, name="ticket"),
    path("t/<uuid:ticket_id>/leave", ticket.leave, name="ticket-leave"),
    path("t/<uuid:ticket_id>/put-off", ticket.put_off, name="ticket-put-off"),
    path("screen/", include("yimen.web.display.urls")),
    path("accounts/", include("yimen.web.account_urls")),
    path("settings/elder", views.elder, name="elder"),
    path("settings/theme", views.theme, name="theme"),
    path("settings/language", set_language, name="set_language"),
    path("sms/receipts", sms.receipts, name="sms-receipts"),
    path("api/v1/", api.urls),
]

handler400 = "yimen.web.errors.bad_request"
handler403 = "yimen.web.errors.forbidden"
handler404 = "yimen.web.errors.not_found"
handler500 = "yimen.web.errors.server_error"
