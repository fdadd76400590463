from django.apps import AppConfig


class CertificatesConfig(AppConfig):
    name = "yimen.certificates"
    label = "certificates"
