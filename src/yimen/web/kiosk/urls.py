from django.urls import path

from yimen.web.kiosk import views, ways

app_name = "kiosk"
urlpatterns = [
    path("", views.index, name="index"),
    path("worker.js", views.worker, name="worker"),
    path("<slug:code>/", views.start, name="start"),
    path("<slug:code>/done/", views.done, name="done"),
    path("<slug:code>/look/", views.look, name="look"),
    path("<slug:code>/alive/", views.alive, name="alive"),
    path("<slug:code>/offline/", views.offline, name="offline"),
    path("<slug:code>/take/", views.choose, name="choose"),
    path("<slug:code>/take/<uuid:series_id>/", views.take, name="take"),
    path("<slug:code>/take/<uuid:series_id>/check/<uuid:item_id>/", views.check, name="check"),
    path("<slug:code>/tickets/<uuid:ticket_id>/", views.slip, name="slip"),
    path("<slug:code>/progress/", ways.progress, name="progress"),
    path("<slug:code>/verify/", ways.verify, name="verify"),
    path("<slug:code>/opinion/", ways.opinion, name="opinion"),
    path("<slug:code>/check-in/", ways.check_in, name="check-in"),
    path("<slug:code>/items/", ways.items, name="items"),
    path("<slug:code>/items/<uuid:item_id>/", ways.item, name="item"),
    path("<slug:code>/hall/", ways.around, name="around"),
    path("<slug:code>/help/", ways.help_me, name="help"),
]
