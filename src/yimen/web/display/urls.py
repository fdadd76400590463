from django.urls import path

from yimen.web.display import views

app_name = "display"
urlpatterns = [
    path("", views.index, name="index"),
    path("<slug:code>/", views.screen, name="screen"),
    path("<slug:code>/turns", views.turns, name="turns"),
]
