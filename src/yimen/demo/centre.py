"""
What the demo centre is made of, modelled on a district centre of 2014 (seed 001). Data only; all of it invented.

Ten departments moved in there: finance, city management, industry and commerce, justice, petitions, civil affairs,
labour, the mass work station, family planning and the party and government office; four more are here for their items.
"""

from __future__ import annotations

from dataclasses import dataclass

from yimen.catalog.actions import FaqDraft, FeeDraft, MaterialDraft, StepDraft
from yimen.catalog.models import CaseType, FlowStep, ItemMaterial, ItemType
from yimen.people.models import Department, Role

REGION = ("529901", "青禾县（演示）")
CENTER = {
    "code": "qinghe",
    "letters": "QH",
    "name": "青禾县政务服务中心（演示）",
    "motto": "一扇门，办所有事",
    "address": "青禾县和畅路 1 号",
    "hours": "周一至周五 9:00–17:00，午间不断服务",
    "phone": "0899-1234500",
}
HALL = ("main", "一楼综合大厅")
PASSWORD = "yimen-demo"  # noqa: S105 - printed on start, only in the demo


@dataclass(frozen=True)
class Organ:
    code: str
    name: str
    short_name: str


ORGANS = (
    Organ("czj", "青禾县财政局", "财政局"),
    Organ("cgj", "青禾县城市管理局", "城管局"),
    Organ("scjg", "青禾县市场监督管理局（工商）", "市场监管局"),
    Organ("sfj", "青禾县司法局", "司法局"),
    Organ("xfj", "青禾县信访局", "信访局"),
    Organ("mzj", "青禾县民政局", "民政局"),
    Organ("rsj", "青禾县人力资源和社会保障局（劳动保障）", "人社局"),
    Organ("qgz", "青禾县群众工作站", "群工站"),
    Organ("wjj", "青禾县卫生健康局（计生）", "卫健局"),
    Organ("dzb", "青禾县党政办公室", "党政办"),
    Organ("zrj", "青禾县自然资源局", "自然资源局"),
    Organ("zjj", "青禾县住房和城乡建设局", "住建局"),
    Organ("nyj", "青禾县农业农村局", "农业农村局"),
    Organ("sthj", "青禾县生态环境分局", "生态环境局"),
)


@dataclass(frozen=True)
class Item:
    """An item with its limits in working days; weight: how often people come for it; serve: minutes at the window."""

    organ: str
    code: str
    name: str
    item_type: str
    materials: tuple[MaterialDraft, ...]
    everyday: tuple[str, ...]
    themes: tuple[str, ...]
    basis: str
    condition: str
    result: str
    promised: int | None = None
    statutory: int | None = None
    visit: bool = False
    joint_with: tuple[str, ...] = ()
    weight: int = 4
    serve: tuple[int, int] = (3, 9)
    series: str = "A"
    plain: str = ""
    fees: tuple[FeeDraft, ...] = ()
    faqs: tuple[FaqDraft, ...] = ()
    # "": papers first; "visit": the visit comes first; "three days": visit on the second day, review on the third.
    order: str = ""
    makes: bool = False
    # Working days a review may take; 0: as most do.
    review_days: int = 0

    @property
    def is_immediate(self) -> bool:
        return self.promised is None

    @property
    def case_type(self) -> str:
        return CaseType.IMMEDIATE if self.is_immediate else CaseType.PROMISED


_GAP, _SHARED = ItemMaterial.Necessity.GAP_ALLOWED, ItemMaterial.Source.SHARED
_COPY, _BOTH = ItemMaterial.Kind.COPY, ItemMaterial.Kind.BOTH
ID_CARD = MaterialDraft("身份证", note="核对原件，当场还给您", legal_basis="行政许可法第三十一条")
LICENCE = MaterialDraft("营业执照", source=_SHARED, note="我们自己查，不用带", legal_basis="国务院令第 716 号第七条")
PREMISES = MaterialDraft(
    "场所产权证明", source=_SHARED, note="我们自己查，不用带", legal_basis="国务院令第 716 号第七条"
)


def _form(name: str, note: str = "窗口有空白表，可以现场填") -> MaterialDraft:
    return MaterialDraft(name, note=note, legal_basis="行政许可法第二十九条")


ITEMS = (
    Item(
        "zrj", "00101", "房产档案信息查询", ItemType.PUBLIC_SERVICE, (ID_CARD,),
        ("查房子", "查房产", "学区证明", "孩子上学查房产"), ("上学", "买房租房"),
        "《不动产登记资料查询暂行办法》第十四条", "房屋权利人本人，或者持委托书的代理人。", "房产档案信息查询结果",
        weight=14, serve=(2, 6), series="B",
        plain="想知道名下有没有房、房子在哪个学区，带身份证来就能查，当场给结果，不收费。",
    ),
    Item(
        "scjg", "00201", "食品经营许可（新办）", ItemType.LICENSE,
        (
            ID_CARD,
            MaterialDraft("食品安全管理制度", note="1 份，签字", legal_basis="食品安全法第四十四条"),
            MaterialDraft("店面布局图", note="标出厨房、水池、门，手画也行", legal_basis="食品经营许可管理办法第十三条"),
            MaterialDraft("健康证", necessity=_GAP, kind=_COPY, note="每位从业人员 1 张，可以后补", legal_basis="食品安全法第四十五条"),
            LICENCE, PREMISES,
        ),
        ("开饭馆", "开小饭馆", "开餐馆", "卖早点", "开奶茶店"), ("开店办企业",),
        "《中华人民共和国食品安全法》第三十五条", "有与经营的食品相适应的场所、设备和管理制度。", "食品经营许可证",
        promised=9, statutory=20, visit=True, weight=8, serve=(6, 14),
        plain="开饭馆、奶茶店、卖早点，都要先办这个证。材料交齐当天收下开始办，我们两个人上门看一次，9 个工作日内给结果。",
        faqs=(
            FaqDraft("店还没装修好，能先申请吗？", "能。材料先交；等装修好、设备摆好，再约时间上门看。"),
            FaqDraft("身份证、营业执照要复印吗？", "不用。身份证核对完当场还您，营业执照我们自己查。"),
            FaqDraft("上门看些什么？", "看厨房、水池、门和您画的图对不对得上。去之前打电话跟您约，不收费。"),
        ),
    ),
    Item(
        "wjj", "00301", "公共场所卫生许可（新办）", ItemType.LICENSE,
        (_form("公共场所卫生许可申请书"), ID_CARD, MaterialDraft("卫生检测报告", legal_basis="公共场所卫生管理条例第四条"),
         MaterialDraft("从业人员健康证", kind=_COPY, necessity=_GAP, legal_basis="公共场所卫生管理条例第七条"), LICENCE),
        ("开理发店", "开宾馆", "开浴室", "开美容院"), ("开店办企业",),
        "《公共场所卫生管理条例》第四条", "场所布局和卫生设施符合国家卫生标准。", "卫生许可证",
        promised=15, statutory=20, visit=True, weight=4, serve=(6, 12),
        plain="开理发店、宾馆、浴室要办。两个人上门看一次，15 个工作日内出证，不收费。",
    ),
    Item(
        "scjg", "00202", "个体工商户设立登记", ItemType.CONFIRMATION,
        (_form("个体工商户登记申请书"), ID_CARD, MaterialDraft("经营场所使用证明", kind=_COPY, legal_basis="促进个体工商户发展条例第十一条")),
        ("办营业执照", "开店执照", "注册个体户"), ("开店办企业",),
        "《促进个体工商户发展条例》第十一条", "有经营能力的公民。", "营业执照",
        weight=10, serve=(6, 14),
        plain="想开店做小生意，先来登记领营业执照，材料齐的当场拿证。",
    ),
    Item(
        "rsj", "00401", "社会保险参保证明打印", ItemType.PUBLIC_SERVICE, (ID_CARD,),
        ("打社保", "社保证明", "缴费记录"), ("退休养老", "找工作"),
        "《中华人民共和国社会保险法》第七十四条", "参加过社会保险的个人。", "社会保险参保证明",
        weight=12, serve=(2, 5), series="S", plain="带身份证，当场打印，盖好章给您。",
    ),
    Item(
        "rsj", "00402", "失业登记", ItemType.CONFIRMATION, (ID_CARD, _form("失业登记表")),
        ("没工作了", "领失业金", "下岗登记"), ("找工作",),
        "《中华人民共和国就业促进法》第三十五条", "有劳动能力、愿意就业、目前没有工作的人。", "就业失业登记证",
        weight=5, serve=(4, 9), series="S",
        plain="没工作了，带身份证来登记，当场办好。登记了才能领失业金、找介绍工作的帮忙。",
    ),
    Item(
        "mzj", "00501", "高龄津贴申领", ItemType.PAYMENT,
        (ID_CARD, MaterialDraft("本人银行卡", kind=_COPY, legal_basis="老年人权益保障法第三十三条")),
        ("老人补贴", "八十岁补贴", "老年津贴"), ("退休养老",),
        "《中华人民共和国老年人权益保障法》第三十三条", "本县户籍，年满 80 周岁。", "高龄津贴审批表",
        promised=3, statutory=20, weight=6, serve=(5, 10), series="S",
        plain="满 80 岁就能领。老人来不了，家里人带身份证来办，也可以请我们上门。",
    ),
    Item(
        "mzj", "00502", "婚姻登记档案查询", ItemType.PUBLIC_SERVICE, (ID_CARD,),
        ("查结婚证", "结婚证丢了", "婚姻证明"), ("买房租房",),
        "《婚姻登记档案管理办法》第十五条", "婚姻当事人本人。", "婚姻登记记录证明", weight=5, serve=(3, 7), series="S",
        plain="结婚证丢了，或者要证明结没结过婚，带身份证来查，当场给您盖章的证明。",
    ),
    Item(
        "cgj", "00601", "户外广告设施设置许可", ItemType.LICENSE,
        (_form("户外广告设置申请表"), MaterialDraft("设计图和效果图", legal_basis="城市市容和环境卫生管理条例第十一条"), LICENCE),
        ("挂招牌", "装灯箱", "门头广告"), ("开店办企业",),
        "《城市市容和环境卫生管理条例》第十一条", "不影响市容、交通和消防安全。", "户外广告设置许可证",
        promised=5, statutory=20, visit=True, weight=3, serve=(5, 10),
        plain="店门口挂招牌、装灯箱要办。我们去现场看一次，5 个工作日内告诉您行不行。占了人行道的，按面积交占道费；挂在墙上的不收费。",
        fees=(FeeDraft("占道费", "占用城市道路的，每平方米每天 0.3 元（演示）", "《城市道路管理条例》第三十七条"),),
        faqs=(FaqDraft("招牌挂在墙上，也要交占道费吗？", "不用。柱子、灯箱落在人行道上的才交。"),),
    ),
    Item(
        "sfj", "00701", "法律援助申请", ItemType.PAYMENT,
        (_form("法律援助申请表"), ID_CARD, MaterialDraft("和案件有关的材料", kind=_COPY, legal_basis="法律援助法第四十一条")),
        ("请律师没钱", "打官司求助", "免费律师"), ("找工作",),
        "《中华人民共和国法律援助法》第四十三条", "经济困难或者符合法定情形的公民。", "法律援助决定书",
        promised=3, review_days=2, statutory=7, weight=3, serve=(6, 12),
        plain="打官司没钱请律师，可以申请免费的律师。3 个工作日内告诉您能不能给。",
    ),
    Item(
        "czj", "00801", "非税收入票据查验", ItemType.PUBLIC_SERVICE, (MaterialDraft("待查验的票据", legal_basis="财政票据管理办法第三十条"),),
        ("查发票真假", "票据真伪"), ("开店办企业",),
        "《财政票据管理办法》第三十条", "持有财政票据的单位和个人。", "票据查验结果", weight=2, serve=(2, 5),
        plain="手上的财政票据不知道真假，拿来一查就知道，当场给结果。",
    ),
    Item(
        "xfj", "00901", "信访事项登记", ItemType.PUBLIC_SERVICE, (ID_CARD, _form("反映事项说明", "说清时间、地点和诉求")),
        ("反映问题", "上访", "提意见"), ("退休养老",),
        "《信访工作条例》第十九条", "反映的事项属于信访受理范围。", "信访事项受理告知单",
        promised=3, statutory=15, weight=2, serve=(8, 15),
        plain="有意见、有困难想反映，写清时间、地点和诉求，3 个工作日内告诉您谁来管。",
    ),
    Item(
        "wjj", "00302", "生育登记", ItemType.PUBLIC_SERVICE, (ID_CARD, MaterialDraft("结婚证", kind=_BOTH, necessity=ItemMaterial.Necessity.OPTIONAL, legal_basis="人口与计划生育法第十七条")),
        ("办准生证", "生孩子登记"), ("孩子出生",),
        "《中华人民共和国人口与计划生育法》第十七条", "夫妻一方户籍或者居住在本县。", "生育登记服务单", weight=4, serve=(3, 7), series="S",
        plain="要生孩子了来登记，夫妻来一个人就行，当场办好。",
    ),
    Item(
        "qgz", "01001", "困难群众代办申请", ItemType.PUBLIC_SERVICE, (ID_CARD,),
        ("帮忙跑腿", "行动不便代办"), ("退休养老", "看病就医"),
        "《国务院关于加快推进政务服务标准化规范化便利化的指导意见》", "行动不便或者不会办的群众。", "代办服务单",
        promised=3, weight=2, serve=(4, 8),
        plain="走不动、不会办，我们上门帮您跑。打个电话或者带身份证来说一声就行。",
    ),
    Item(
        "dzb", "01101", "政府信息公开申请", ItemType.PUBLIC_SERVICE, (ID_CARD, _form("政府信息公开申请表")),
        ("申请公开信息", "查文件"), ("买房租房",),
        "《中华人民共和国政府信息公开条例》第二十九条", "写明要的是什么信息、怎么给您。", "政府信息公开答复书",
        promised=15, review_days=9, statutory=20, weight=2, serve=(5, 9),
        plain="想看政府的文件，写清要看什么，15 个工作日内给您答复。",
        fees=(FeeDraft("信息处理费", "一个月申请超过 10 件的，每件 100 元（演示）", "《政府信息公开信息处理费管理办法》第三条"),),
    ),
    Item(
        "scjg", "00203", "开小餐饮店一件事（联办）", ItemType.LICENSE,
        (
            _form("开小餐饮店一张表"), ID_CARD,
            MaterialDraft("店面布局图", note="标出厨房、水池、门，手画也行", legal_basis="食品经营许可管理办法第十三条"),
            MaterialDraft("健康证", necessity=_GAP, kind=_COPY, legal_basis="食品安全法第四十五条"), PREMISES,
        ),
        ("开饭馆一次办", "开餐饮店", "一件事"), ("开店办企业",),
        "《中华人民共和国行政许可法》第二十六条", "执照、食品许可、门头招牌和油烟排放一次申请。", "营业执照、食品经营许可证、招牌设置许可",
        promised=12, statutory=45, visit=True, joint_with=("cgj", "wjj"), weight=4, serve=(8, 16),
        plain="开小饭馆要办的几样证，一张表、一个窗口、一次上门，三家一起审，12 个工作日内一起给您。",
    ),
    Item(
        "zjj", "01201", "住房租赁合同登记备案", ItemType.PUBLIC_SERVICE,
        (ID_CARD, MaterialDraft("租赁合同", kind=_BOTH, legal_basis="商品房屋租赁管理办法第十四条"), PREMISES),
        ("租房备案", "租房合同登记"), ("买房租房",),
        "《商品房屋租赁管理办法》第十四条", "租赁双方或者受委托的一方。", "租赁登记备案证明", weight=4, serve=(4, 9), series="B",
        plain="租了房子来备个案，以后落户、上学用得着。双方来一个人就行，当场办好。",
    ),
    Item(
        "nyj", "01301", "动物防疫条件合格证核发", ItemType.LICENSE,
        (
            _form("动物防疫条件审查申请表"), ID_CARD,
            MaterialDraft("场所地理位置图、各功能区布局平面图", note="标出生产区、隔离区、无害化处理区，手画也行", legal_basis="动物防疫条件审查办法第十三条"),
            MaterialDraft("设施设备清单", note="消毒、通风、无害化处理的设备", legal_basis="动物防疫条件审查办法第十三条"),
            MaterialDraft("管理制度文本", note="防疫、消毒、隔离、检疫申报等制度", legal_basis="动物防疫条件审查办法第十三条"),
            MaterialDraft("人员信息", kind=_COPY, necessity=_GAP, note="执业兽医或者乡村兽医，可以后补", legal_basis="动物防疫条件审查办法第十三条"),
            LICENCE,
        ),
        ("办养殖场", "养猪场", "开屠宰场", "养鸡场", "动物防疫证"), ("开店办企业",),
        "《中华人民共和国动物防疫法》第二十五条", "场所选址、布局、设施设备、人员和制度符合动物防疫条件。", "动物防疫条件合格证",
        promised=7, statutory=15, visit=True, weight=3, serve=(6, 12),
        plain="办养殖场、屠宰场，先要办这个证。材料交齐当天收下开始办，我们两个人上门看一次，7 个工作日内给结果，不收费。",
    ),
    Item(
        "scjg", "00204", "电梯定期检验", ItemType.PUBLIC_SERVICE,
        (
            MaterialDraft("电梯定期检验申请", note="写明电梯编号、想哪天检验，网上填也行", legal_basis="特种设备安全法第四十条"),
            MaterialDraft("上一次检验报告", kind=_COPY, necessity=_GAP, note="找不到可以后补", legal_basis="特种设备安全监察条例第二十八条"),
            LICENCE,
        ),
        ("电梯年检", "电梯检验", "约电梯检验"), ("开店办企业",),
        "《中华人民共和国特种设备安全法》第四十条", "在用电梯，检验合格有效期届满前一个月。", "电梯定期检验报告",
        promised=5, statutory=20, visit=True, weight=0, serve=(4, 8), order="visit",
        plain="电梯每年要检验一次。申请就是预约，两小时内有人打电话跟您约时间，两个人上门检验，5 个工作日内出报告，不收费。",
        faqs=(FaqDraft("检验那天要准备什么？", "电话里会告诉您：请维保人员到场，带好维保记录，电梯停下来让检验。"),),
    ),
    Item(
        "wjj", "00303", "公共场所卫生许可（延续，三天办结）", ItemType.LICENSE,
        (_form("公共场所卫生许可延续申请书"), ID_CARD, MaterialDraft("卫生检测报告", legal_basis="公共场所卫生管理条例第四条"), LICENCE),
        ("卫生许可证到期", "换卫生证", "卫生许可延续"), ("开店办企业",),
        "《公共场所卫生管理条例》第四条", "场所布局和卫生设施符合国家卫生标准。", "卫生许可证",
        promised=3, statutory=20, visit=True, weight=0, serve=(5, 10), order="three days",
        plain="第一天收材料，第二天两个人上门看，第三天上午审核、下午出证。不收费。",
    ),
    Item(
        "zjj", "01202", "燃气经营许可（瓶装燃气供应站）", ItemType.LICENSE,
        (_form("燃气经营许可申请书"), MaterialDraft("安全评价报告", legal_basis="城镇燃气管理条例第十五条"), LICENCE),
        ("开煤气站", "液化气站", "燃气许可证"), ("开店办企业",),
        "《城镇燃气管理条例》第十五条", "符合燃气发展规划确定的布点数量，有符合标准的场所、设施和人员。", "燃气经营许可证",
        promised=10, statutory=20, weight=0, serve=(6, 12), makes=True,
        plain="开瓶装液化气站要办。全县按规划只设几个点，先交齐的先办；10 个工作日内给结果，不收费。",
    ),
    Item(
        "zrj", "00102", "设施农业用地备案", ItemType.PUBLIC_SERVICE,
        (
            _form("设施农业用地备案申请表"), ID_CARD,
            MaterialDraft("用地协议", kind=_BOTH, note="和村里签的，写明地块、面积、几年", legal_basis="自然资规〔2019〕4 号"),
            MaterialDraft("场所地理位置图、各功能区布局平面图", note="标出生产区、隔离区、无害化处理区，手画也行", legal_basis="自然资规〔2019〕4 号"),
            LICENCE,
        ),
        ("养殖用地", "建猪圈用地", "设施农用地"), ("开店办企业",),
        "《自然资源部 农业农村部关于设施农业用地管理有关问题的通知》", "不占永久基本农田，和村里签了用地协议。", "设施农业用地备案表",
        promised=3, statutory=10, weight=0, serve=(4, 9),
        plain="办养殖场，先把用的地登记好。材料交齐，3 个工作日内给登记表，不收费。",
    ),
    Item(
        "sthj", "01401", "建设项目环境影响登记表备案", ItemType.PUBLIC_SERVICE,
        (
            _form("建设项目环境影响登记表"), ID_CARD,
            MaterialDraft("用地备案表", kind=_BOTH, note="自然资源局给的备案表", legal_basis="建设项目环境影响登记表备案管理办法第九条"),
            LICENCE,
        ),
        ("环评备案", "养殖场环评", "环保备案"), ("开店办企业",),
        "《建设项目环境影响登记表备案管理办法》第五条", "对环境影响很小、只要填登记表的项目。", "环境影响登记表备案回执",
        weight=0, serve=(4, 8),
        plain="规模小的养殖场不用做环境影响报告，填一张登记表就行，当场给回执，不收费。",
    ),
)  # fmt: skip


def flow(item: Item, organs: dict[str, Department]) -> tuple[StepDraft, ...]:
    """Return the item's steps: post, authority and limit on each; joint items open their reviews together."""
    kind = FlowStep.Kind
    receive = StepDraft("receive", "收件", kind.RECEIVE, "综合受理岗", "清点材料，一次告知", 0)
    accept = StepDraft("accept", "受理", kind.ACCEPT, "综合受理岗", "决定受理或不予受理", 0, after=("receive",))
    steps = [receive, accept]
    last: tuple[str, ...] = ("accept",)
    if not item.is_immediate:
        days = 1 if (item.promised or 0) <= 5 else 3
        if item.order == "three days":
            days = 1
        days = item.review_days or days
        if item.order:
            steps.append(StepDraft("visit", "现场核查", kind.VISIT, "勘察岗", "两人以上到现场核查", days, after=last))
            last = ("visit",)
        reviews = [StepDraft("review", "审查", kind.REVIEW, "审查岗", "审查材料是否符合规定", days, after=last)]
        reviews += [
            StepDraft(
                f"review-{code}", f"{organ_name(code)}审查", kind.REVIEW, "审查岗", "就本部门职责提出意见", days,
                department=organs[code], after=last,
            )
            for code in item.joint_with
        ]  # fmt: skip
        steps += reviews
        last = tuple(step.key for step in reviews)
        if item.visit and not item.order:
            steps.append(StepDraft("visit", "现场核查", kind.VISIT, "勘察岗", "两人以上到现场核查", days, after=last))
            last = ("visit",)
    decide = "综合受理岗" if item.is_immediate else "审批岗"
    steps.append(
        StepDraft(
            "decide",
            "决定",
            kind.DECIDE,
            decide,
            "作出决定，签发文书",
            0 if item.is_immediate or item.order == "three days" else 1,
            after=last,
        )
    )
    last = ("decide",)
    if item.makes:
        steps.append(StepDraft("make", "制证", kind.MAKE, "制证岗", "按决定制作证照", 2, after=last))
        last = ("make",)
    # With making it, within the ten days of the law.
    days = 0 if item.is_immediate or item.order == "three days" else 5
    steps.append(StepDraft("deliver", "送达", kind.DELIVER, "综合受理岗", "当面交付、邮寄或电子送达", days, after=last))
    return tuple(steps)


def organ_name(code: str) -> str:
    return next(organ.short_name for organ in ORGANS if organ.code == code)


SERIES = (("A", "综合", "一楼东侧"), ("B", "不动产", "一楼西侧"), ("S", "社保民政", "一楼南侧"))
# number, name, the series it calls
WINDOWS = (
    (1, "1 号综合窗口", "A"), (2, "2 号综合窗口", "A"), (3, "3 号综合窗口", "A"), (4, "4 号综合窗口", "A"),
    (5, "5 号不动产窗口", "BA"), (6, "6 号不动产窗口", "B"), (7, "7 号社保民政窗口", "S"), (8, "8 号社保民政窗口", "SA"),
)  # fmt: skip
# Windows nobody simulated sits at: whoever tries the demo takes one of these.
FREE_WINDOWS = frozenset({1, 2})


@dataclass(frozen=True)
class Person:
    """username, invented name, organ, post, role; scope: for the organ only (False) or the whole region."""

    username: str
    name: str
    organ: str
    post: str
    role: Role
    whole_region: bool = False


PEOPLE = (
    *(
        Person(f"clerk{n}", name, organ, "综合受理岗", Role.CLERK, True)
        for n, name, organ in (
            (1, "林晓（演示）", "scjg"), (2, "何静（演示）", "mzj"), (3, "罗敏（演示）", "scjg"), (4, "田雨（演示）", "rsj"),
            (5, "白露（演示）", "zrj"), (6, "安宁（演示）", "zrj"), (7, "方舟（演示）", "rsj"), (8, "夏禾（演示）", "mzj"),
        )
    ),
    *(Person(f"approver-{organ.code}", f"{'赵钱孙李周吴郑王冯陈褚卫蒋沈'[n]}审（演示）", organ.code, "审查岗", Role.APPROVER) for n, organ in enumerate(ORGANS)),
    Person("surveyor1", "石勘（演示）", "scjg", "勘察岗", Role.SURVEYOR, True),
    Person("surveyor2", "江察（演示）", "wjj", "勘察岗", Role.SURVEYOR, True),
    Person("leader", "周明远（演示）", "dzb", "审批岗", Role.LEADER, True),
    Person("manager", "秦勤（演示）", "dzb", "大厅管理岗", Role.HALL_MANAGER, True),
    Person("guide", "柳迎（演示）", "qgz", "导办岗", Role.GUIDE, True),
    Person("supervisor", "严正（演示）", "dzb", "督查岗", Role.SUPERVISOR, True),
    Person("editor", "文编（演示）", "dzb", "事项编辑岗", Role.EDITOR, True),
    Person("publisher", "毕发（演示）", "dzb", "事项发布岗", Role.PUBLISHER, True),
    Person("sysadmin", "系统管理员（演示）", "dzb", "系统管理岗", Role.SYSTEM_ADMIN, True),
    Person("secadmin", "安全管理员（演示）", "dzb", "安全管理岗", Role.SECURITY_ADMIN, True),
    Person("auditor", "审计管理员（演示）", "dzb", "审计管理岗", Role.AUDIT_ADMIN, True),
)  # fmt: skip

SURNAMES = "赵钱孙李周吴郑王冯陈蒋沈韩杨朱秦许何吕施张孔曹严华金魏陶姜"
GIVEN = ("小满", "春生", "玉兰", "建国", "秀英", "志强", "桂芳", "子涵", "海燕", "大山", "雨桐", "长河", "立夏", "冬梅")
FIRMS = ("满面馆", "春风理发店", "青禾超市", "好邻居便利店", "老街茶馆", "和畅文印店", "南门小吃", "禾田农资店")
# What a dissatisfied visitor says: the key of a reason (ratings.rules.BLAME) and a sentence.
BLAME = (
    ("waited_long", "排了快一个小时。"),
    ("unclear_guidance", "转了两圈才找到窗口。"),
    ("unclear_guidance", "复印要跑到街对面，没人说楼里就有。"),
)
