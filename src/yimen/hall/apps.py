from django.apps import AppConfig


class HallConfig(AppConfig):
    name = "yimen.hall"
    label = "hall"
