"""The matters of a life as doors on the first page: one character, everyday words, the catalogue's own theme names."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Theme:
    slug: str
    zi: str
    name: Promise
    hint: Promise
    names: tuple[str, ...]


THEMES: Sequence[Theme] = (
    Theme("birth", "生", _("孩子出生"), _("上户口、医保、疫苗"), ("生育收养", "生小孩", "户籍办理", "妇女")),
    Theme("school", "学", _("上学"), _("入学、转学、助学"), ("教育科研", "升学", "高校毕业生")),
    Theme("work", "业", _("找工作"), _("登记、补贴、社保"), ("就业创业", "找工作", "职业资格", "人才", "失业")),
    Theme("home", "居", _("买房租房"), _("过户、公积金、水电"), ("住房保障", "买房", "公用事业", "不动产", "抵押质押")),
    Theme("firm", "企", _("开店办企业"), _("执照、许可、刻章"), ("设立变更", "准营准办", "创业", "纳税", "开店办企业")),
    Theme("old", "老", _("退休养老"), _("养老金、高龄津贴"), ("养老服务", "退休", "社会救助", "残疾人")),
    Theme("health", "医", _("看病就医"), _("报销、异地备案"), ("医疗卫生", "社会保障（社会保险、社会救助）")),
    Theme("travel", "车", _("车和驾照"), _("换证、年检、过户"), ("交通出行", "出境入境", "车和驾照")),
)
BY_SLUG = {theme.slug: theme for theme in THEMES}
