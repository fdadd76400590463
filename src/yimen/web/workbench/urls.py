from django.urls import path, register_converter

from yimen.web import documents
from yimen.web.workbench import (
    accounts,
    acts,
    cases,
    catalog,
    certificates,
    checkpoints,
    desk,
    documents_control,
    entry,
    forms_editor,
    hall,
    handling,
    home,
    imports,
    leaflets,
    local_rules,
    organisation,
    panels,
    people,
    places,
    plain,
    points,
    powers,
    proactive,
    quality,
    reform,
    report,
    results,
    scenario,
    tasks,
    visit_figures,
    visits,
    window,
    words,
)


class Number:
    """The number of a case as people type it."""

    regex = "[A-Za-z0-9-]{4,24}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Number, "number")
app_name = "workbench"
urlpatterns = [
    path("", home.home, name="home"),
    path("window", window.page, name="window"),
    path("window/waiting", window.waiting, name="window-waiting"),
    path("window/sign-in", window.sign_in, name="window-sign-in"),
    path("window/sign-out", window.sign_out, name="window-sign-out"),
    path("window/call", window.call, name="window-call"),
    path("window/recall", window.recall, name="window-recall"),
    path("window/start", window.start, name="window-start"),
    path("window/finish", window.finish, name="window-finish"),
    path("window/pass", window.pass_over, name="window-pass"),
    path("window/applicant/<uuid:item_id>", window.look_up, name="window-applicant"),
    path("window/receive/<uuid:item_id>", window.receive, name="window-receive"),
    path("tasks", tasks.tasks, name="tasks"),
    path("cases", cases.cases, name="cases"),
    path("cases/find", cases.find, name="cases-find"),
    path("cases/export", cases.export, name="cases-export"),
    path("cases/<number:number>", cases.page, name="case"),
    path("cases/<number:number>/reveal", cases.reveal, name="case-reveal"),
    path("cases/<number:number>/materials", acts.note_materials, name="case-materials"),
    path("cases/<number:number>/accept", acts.accept, name="case-accept"),
    path("cases/<number:number>/decline", acts.decline, name="case-decline"),
    path("cases/<number:number>/tasks/<uuid:task_id>", acts.complete_task, name="case-task"),
    path("cases/<number:number>/decide", acts.decide, name="case-decide"),
    path("cases/<number:number>/deliver", acts.deliver, name="case-deliver"),
    path("cases/<number:number>/notices/<uuid:pk>", documents.notice, name="notice"),
    *handling.urlpatterns,
    *panels.urlpatterns(),
    *desk.urlpatterns,
    *hall.urlpatterns,
    *places.urlpatterns,
    *local_rules.urlpatterns,
    *imports.urlpatterns,
    *catalog.urlpatterns,
    *people.urlpatterns,
    *report.urlpatterns,
    *leaflets.urlpatterns,
    *points.urlpatterns,
    *plain.urlpatterns,
    *powers.urlpatterns,
    *entry.urlpatterns,
    *organisation.urlpatterns,
    *quality.urlpatterns,
    *reform.urlpatterns,
    *documents_control.urlpatterns,
    *accounts.urlpatterns,
    *proactive.urlpatterns,
    *scenario.urlpatterns,
    *words.urlpatterns,
    *forms_editor.urlpatterns,
    *visits.urlpatterns,
    *visit_figures.urlpatterns,
    *checkpoints.urlpatterns,
    *certificates.urlpatterns,
    *results.urlpatterns,
]
