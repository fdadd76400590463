from django.apps import AppConfig


class NotifyConfig(AppConfig):
    name = "yimen.notify"
    label = "notify"
