from django.urls import path

from yimen.web.kiosk import views

app_name = "kiosk"
urlpatterns = [
    path("", views.index, name="index"),
    path("<slug:code>/", views.start, name="start"),
    path("<slug:code>/take/", views.choose, name="choose"),
    path("<slug:code>/take/<uuid:series_id>/", views.take, name="take"),
    path("<slug:code>/tickets/<uuid:ticket_id>/", views.slip, name="slip"),
]
