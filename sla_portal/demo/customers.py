"""The customers and contracts of the demo."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

REGIONS = (
    ("eu", "Europe", "欧洲", "Europe/Berlin"),
    ("apac", "Asia Pacific", "亚太", ""),
    ("amer", "Americas", "美洲", "America/New_York"),
)


@dataclass(frozen=True)
class Period:
    """A contract period: start in months before the present one, day of the month, length in months."""

    months_ago: int
    months: int
    day: int = 1
    trial_days: int = 0


@dataclass(frozen=True)
class Party:
    code: str
    name: str
    region: str
    contacts: tuple[tuple[str, str], ...]
    charge: Decimal
    currency: str
    periods: tuple[Period, ...]
    language: str = "en"
    installer: str = ""
    """The code of the installer of which it is a site; installers come before their sites."""


PARTIES = (
    Party(
        "C-1001",
        "Hafen Residences",
        "eu",
        (("hafen@example.com", "Jörg Petersen"), ("hafen-technik@example.com", "Ute Brandt")),
        Decimal("490.00"),
        "EUR",
        (Period(13, 12, trial_days=31), Period(1, 12)),
    ),
    Party(
        "C-1002",
        "Résidence Les Érables",
        "eu",
        (("erables@example.com", "Chloé Lefèvre"),),
        Decimal("360.00"),
        "EUR",
        (Period(10, 24, trial_days=31),),
    ),
    Party(
        "C-1003",
        "Łódź Apartamenty",
        "eu",
        (("lodz@example.com", "Zbigniew Wójcik"),),
        Decimal("1290.00"),
        "PLN",
        (Period(8, 12, trial_days=31),),
    ),
    Party(
        "C-1004",
        "Nordlicht Wohnbau GmbH",
        "eu",
        (("nordlicht@example.com", "Annegret Groß"),),
        Decimal("1980.50"),
        "EUR",
        (Period(13, 24),),
    ),
    Party(
        "C-2001",
        "海湾花园物业管理有限公司",
        "apac",
        (("haiwan@example.com", "陈晓梅"), ("haiwan-it@example.com", "李伟")),
        Decimal("3800.00"),
        "CNY",
        (Period(13, 24, trial_days=31),),
        "zh-hans",
    ),
    Party(
        "C-2002",
        "上海梧桐里公寓",
        "apac",
        (("wutongli@example.com", "王芳"),),
        Decimal("1250.00"),
        "CNY",
        (Period(6, 12, day=16, trial_days=31),),
        "zh-hans",
    ),
    Party(
        "C-2003",
        "Marina Heights Pte Ltd",
        "apac",
        (("marina@example.com", "Priya Nair"),),
        Decimal("820.00"),
        "SGD",
        (Period(12, 24),),
    ),
    Party(
        "C-2004",
        "Bạch Đằng Tower",
        "apac",
        (("bachdang@example.com", "Nguyễn Thị Hương"),),
        Decimal("410.00"),
        "USD",
        (Period(9, 12, trial_days=31),),
    ),
    Party(
        "C-3001",
        "Maple Court Properties",
        "amer",
        (("maple@example.com", "Grace O’Neill"),),
        Decimal("540.00"),
        "USD",
        (Period(13, 24),),
    ),
    Party(
        "C-3002",
        "São Bento Condomínios",
        "amer",
        (("saobento@example.com", "João Araújo"),),
        Decimal("2400.00"),
        "BRL",
        (Period(7, 12, trial_days=31),),
    ),
    Party(
        "C-3003",
        "Torres Peñascal",
        "amer",
        (("penascal@example.com", "Íñigo Muñoz"),),
        Decimal("9800.00"),
        "MXN",
        (Period(11, 24, trial_days=31),),
    ),
    Party(
        "C-3004",
        "Lakeshore Lofts LLC",
        "amer",
        (("lakeshore@example.com", "Dana Whitfield"),),
        Decimal("260.00"),
        "USD",
        (Period(1, 12, day=20, trial_days=31),),
    ),
    Party(
        "C-5000",
        "Brandt Türtechnik GmbH",
        "eu",
        (("brandt@example.com", "Heike Brandt"),),
        Decimal("0.00"),
        "EUR",
        (),
    ),
    Party(
        "C-5001",
        "Wohnanlage Lindenhof",
        "eu",
        (),
        Decimal("180.00"),
        "EUR",
        (Period(9, 12, trial_days=31),),
        installer="C-5000",
    ),
    Party(
        "C-5002",
        "Ärztehaus am Markt",
        "eu",
        (("aerztehaus@example.com", "Dr. Emil Sauer"),),
        Decimal("95.00"),
        "EUR",
        (Period(5, 12),),
        installer="C-5000",
    ),
)
