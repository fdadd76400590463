import argparse
import json
import re

import pytest
from django.urls import reverse

from yimen.commands import create_centre, serve
from yimen.hall.models import Hall
from yimen.ledger.models import Event
from yimen.people.actions import PlaceIncomplete
from yimen.people.models import Department, Region, Role, ServiceCenter, Staff, User

pytestmark = pytest.mark.django_db

WORDS = {
    "--region": "529902",
    "--region-name": "演示县",
    "--name": "演示县政务服务中心",
    "--letters": "YS",
    "--address": "演示路 1 号",
    "--hours": "工作日 9:00 到 17:00",
    "--phone": "0899-0000000",
}


def run(**changed):
    words = WORDS | {f"--{name.replace('_', '-')}": value for name, value in changed.items()}
    parser = argparse.ArgumentParser()
    create_centre.add_arguments(parser)
    return create_centre.run(parser.parse_args([word for pair in words.items() for word in pair]))


def test_a_centre_with_its_three_administrators_who_must_change_their_passwords(capsys, caplog, client):
    assert run(hall="一楼大厅", auditor="shenji") == 0
    said = capsys.readouterr().out
    logins = re.findall(r"^  (\w+)  ([\w-]{14})  ", said, re.MULTILINE)
    assert [username for username, _password in logins] == ["sysadmin", "secadmin", "shenji"]
    assert len({password for _username, password in logins}) == 3
    for username, password in logins:
        user = User.objects.get(username=username)
        assert user.check_password(password) and user.must_change_password
    held = {staff.user.username: staff.role_name for staff in Staff.objects.all()}
    assert held == {"sysadmin": Role.SYSTEM_ADMIN, "secadmin": Role.SECURITY_ADMIN, "shenji": Role.AUDIT_ADMIN}
    assert (ServiceCenter.objects.get().letters, Hall.objects.get().code) == ("YS", "main")
    rows = list(Event.objects.order_by("pk"))
    assert {"people.region_opened", "people.center_opened", "hall.hall_opened"} <= {row.kind for row in rows}
    kept = json.dumps([row.data for row in rows], ensure_ascii=False) + caplog.text
    assert not [password for _username, password in logins if password in kept]
    assert "演示县政务服务中心" in client.get("/").content.decode()


def test_run_again_it_refuses_and_changes_nothing(capsys):
    run()
    count = Event.objects.count()
    with pytest.raises(create_centre.CentreExists, match="已经有演示县政务服务中心了"):
        run(region="529903", name="别的中心", sysadmin="another")
    assert (ServiceCenter.objects.count(), Staff.objects.count(), Event.objects.count()) == (1, 3, count)


@pytest.mark.parametrize("wrong", [{"letters": "一门"}, {"region": "县"}, {"phone": " "}])
def test_what_cannot_be_leaves_nothing_behind(wrong):
    with pytest.raises(PlaceIncomplete):
        run(**wrong)
    assert not Region.objects.exists() and not User.objects.exists() and not Department.objects.exists()


def test_serve_and_the_portal_say_what_to_do_while_there_is_no_centre(client, capsys):
    assert "create-centre" in "".join(serve._without_centre())
    page = client.get("/")
    assert (page.status_code, "正在筹备" in page.content.decode()) == (200, True)
    assert client.get(reverse("workbench:home")).status_code == 302
    run()
    assert serve._without_centre() == []
