"""The words that dates are made of: months and weekdays in some twenty-five languages, names of zones."""

from __future__ import annotations

import re
import unicodedata

_SHORTEST = 3  # letters that may stand for a name, where no other month begins with them


def fold(text: str) -> str:
    """Lower case, without accents, with plain digits and single blanks: as the words of this file are compared."""
    text = unicodedata.normalize("NFKD", text.replace("İ", "i").lower()).replace("ı", "i")
    text = unicodedata.normalize("NFC", re.sub(r"[\u0300-\u036f\u200b-\u200f\u202a-\u202e]", "", text))
    text = re.sub(r"[^\x00-\x7f]", lambda one: str(unicodedata.digit(one[0], one[0])), text)
    return re.sub(r"\s+", " ", text).strip(" \"'")


_MONTHS = """
january february march april may june july august september october november december
januar februar märz april mai juni juli august september oktober november dezember
jänner feber maerz april mai juni juli august september oktober november dezember
janvier février mars avril mai juin juillet août septembre octobre novembre décembre
enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre
janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro
gener febrer març abril maig juny juliol agost setembre octubre novembre desembre
januari februari maart april mei juni juli augustus september oktober november december
januari februari mars april maj juni juli augusti september oktober november december
januar februar marts april maj juni juli august september oktober november december
januar februar mars april mai juni juli august september oktober november desember
stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia
styczeń luty marzec kwiecień maj czerwiec lipiec sierpień wrzesień październik listopad grudzień
ledna února března dubna května června července srpna září října listopadu prosince
leden únor březen duben květen červen červenec srpen září říjen listopad prosinec
január február március április május június július augusztus szeptember október november december
ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie
ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık
januari februari maret april mei juni juli agustus september oktober november desember
января февраля марта апреля мая июня июля августа сентября октября ноября декабря
январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь
януари февруари март април май юни юли август септември октомври ноември декември
січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня
ιανουαρίου φεβρουαρίου μαρτίου απριλίου μαΐου ιουνίου ιουλίου αυγούστου σεπτεμβρίου οκτωβρίου νοεμβρίου δεκεμβρίου
ינואר פברואר מרץ אפריל מאי יוני יולי אוגוסט ספטמבר אוקטובר נובמבר דצמבר
يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر
जनवरी फरवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर
มกราคม กุมภาพันธ์ มีนาคม เมษายน พฤษภาคม มิถุนายน กรกฎาคม สิงหาคม กันยายน ตุลาคม พฤศจิกายน ธันวาคม
"""
# Written out only: their beginnings are other languages' months.
_MONTHS_WHOLE = """
tammikuu helmikuu maaliskuu huhtikuu toukokuu kesäkuu heinäkuu elokuu syyskuu lokakuu marraskuu joulukuu
tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta marraskuuta joulukuuta
ม.ค ก.พ มี.ค เม.ย พ.ค มิ.ย ก.ค ส.ค ก.ย ต.ค พ.ย ธ.ค
בינואר בפברואר במרץ באפריל במאי ביוני ביולי באוגוסט בספטמבר באוקטובר בנובמבר בדצמבר
jan feb mrt apr mei jun jul aug sept okt nov dec
jan feb mrz apr mai jun jul aug setiembre okt nov dez
"""  # noqa: E501
_WEEKDAYS = """
monday tuesday wednesday thursday friday saturday sunday tues thur thurs
montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag mo di mi do fr sa so
lundi mardi mercredi jeudi vendredi samedi dimanche
lunes martes miércoles jueves viernes sábado domingo
lunedì martedì mercoledì giovedì venerdì sabato domenica
segunda terça quarta quinta sexta feira segunda-feira
dilluns dimarts dimecres dijous divendres dissabte diumenge
maandag dinsdag woensdag donderdag vrijdag zaterdag zondag ma wo vr za zo
poniedziałek wtorek środa czwartek piątek sobota niedziela pn wt śr cz pt sb nd ndz czw
måndag tisdag onsdag torsdag fredag lördag söndag mandag lørdag søndag
maanantai tiistai keskiviikko torstai perjantai lauantai sunnuntai ti ke to pe la su
pondělí úterý středa čtvrtek pátek sobota neděle po út st čt pá ne
hétfő kedd szerda csütörtök péntek szombat vasárnap
luni marți miercuri joi vineri sâmbătă duminică
pazartesi salı çarşamba perşembe cuma cumartesi pazar pzt çar cmt paz
senin selasa rabu kamis jumat sabtu minggu
понедельник вторник среда четверг пятница суббота воскресенье пн вт ср чт пт сб вс
понеділок вівторок середа четвер п'ятниця субота неділя нд
понеделник вторник сряда четвъртък петък събота неделя
δευτέρα τρίτη τετάρτη πέμπτη παρασκευή σάββατο κυριακή
الاثنين الإثنين الثلاثاء الأربعاء الخميس الجمعة السبت الأحد
सोमवार मंगलवार बुधवार गुरुवार शुक्रवार शनिवार रविवार
จันทร์ อังคาร พุธ พฤหัสบดี ศุกร์ เสาร์ อาทิตย์ วันจันทร์ วันอังคาร วันพุธ วันพฤหัสบดี วันศุกร์ วันเสาร์ วันอาทิตย์
วันจันทร์ที่ วันอังคารที่ วันพุธที่ วันพฤหัสบดีที่ วันศุกร์ที่ วันเสาร์ที่ วันอาทิตย์ที่
hai ba tư năm sáu bảy chủ nhật thứ
"""
# "at", "the", "of" and "o'clock" as they stand in dates
_FILLERS = """
t at the of on o'clock hrs h hours de del d le la el los den der am um uhr às as alle ore a kl klo kello klockan saat
o ob godz r roku dne i y в во г р год года року ngày tháng năm lúc الساعة في ที่ เวลา น พ.ศ
"""
FILLERS = frozenset(map(fold, _FILLERS.split()))

_MONTH_OF_BEGINNING: dict[str, set[int]] = {}
MONTHS: dict[str, int] = {}
for _line in _MONTHS.strip().splitlines():
    for _number, _name in enumerate(map(fold, _line.split()), 1):
        for _length in range(_SHORTEST, len(_name)):
            _MONTH_OF_BEGINNING.setdefault(_name[:_length], set()).add(_number)
MONTHS |= {beginning: min(numbers) for beginning, numbers in _MONTH_OF_BEGINNING.items() if len(numbers) == 1}
for _line in (_MONTHS + _MONTHS_WHOLE).strip().splitlines():
    MONTHS |= {_name: _number for _number, _name in enumerate(map(fold, _line.split()), 1) if _name}

WEEKDAYS = frozenset(
    name[:length] for name in map(fold, _WEEKDAYS.split()) for length in range(min(_SHORTEST, len(name)), len(name) + 1)
)

# Minutes from UTC. Of names that stand for several zones, the one that RFC 822 or most people mean.
ZONE_MINUTES: dict[str, int] = {
    "z": 0, "utc": 0, "gmt": 0, "ut": 0, "wet": 0, "west": 60, "bst": 60, "cet": 60, "mez": 60, "met": 60, "wat": 60,
    "cest": 120, "mesz": 120, "mest": 120, "eet": 120, "cat": 120, "sast": 120, "eest": 180, "msk": 180, "мск": 180,
    "trt": 180, "eat": 180, "idt": 180, "gst": 240, "pkt": 300, "ist": 330, "npt": 345, "ict": 420, "wib": 420,
    "wita": 480, "hkt": 480, "sgt": 480, "myt": 480, "pht": 480, "awst": 480, "jst": 540, "kst": 540, "wit": 540,
    "acst": 570, "aest": 600, "acdt": 630, "aedt": 660, "nzst": 720, "nzdt": 780, "brt": -180, "art": -180, "clt": -240,
    "clst": -180, "cot": -300, "pet": -300, "nst": -210, "ndt": -150, "ast": -240, "adt": -180, "est": -300,
    "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420, "akst": -540,
    "akdt": -480, "hst": -600,
}  # fmt: skip
# Eastern, central, mountain and pacific time: the clocks of these places change.
ZONE_AREAS: dict[str, str] = {
    "e": "america/new_york", "c": "america/chicago", "m": "america/denver", "p": "america/los_angeles",
}  # fmt: skip
