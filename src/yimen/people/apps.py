from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "yimen.people"
    label = "people"

    def ready(self) -> None:
        from yimen.people import logins

        logins.connect()
