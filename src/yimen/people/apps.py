from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "yimen.people"
    label = "people"
