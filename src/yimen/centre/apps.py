from django.apps import AppConfig


class CentreConfig(AppConfig):
    name = "yimen.centre"
    label = "centre"
