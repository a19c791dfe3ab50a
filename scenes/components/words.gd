class_name Words
## Sizes, speeds and times as people read them, translated.

const UNITS: PackedStringArray = ["UNIT_B", "UNIT_KB", "UNIT_MB", "UNIT_GB", "UNIT_TB"]
const UNIT := 1000.0
const NO_BREAK := "\u00a0"
## The length of a path in a sentence.
const PATH_MAX := 40
const MONTHS: PackedStringArray = [
	"MONTH_1",
	"MONTH_2",
	"MONTH_3",
	"MONTH_4",
	"MONTH_5",
	"MONTH_6",
	"MONTH_7",
	"MONTH_8",
	"MONTH_9",
	"MONTH_10",
	"MONTH_11",
	"MONTH_12",
]


## A size, in units of a thousand: "6.7 MB", "52 MB".
static func bytes(count: float) -> String:
	var amount := maxf(count, 0.0)
	var unit := 0
	# 999.5 would round to 1000.
	while amount >= UNIT - 0.5 and unit < UNITS.size() - 1:
		amount /= UNIT
		unit += 1
	var digits := 1 if unit > 0 and amount < 9.95 else 0
	return _text(UNITS[unit]).format({"amount": number(amount, digits)})


## A size in a sentence that may wrap: the number and its unit stay together.
static func whole(count: float) -> String:
	return bytes(count).replace(" ", NO_BREAK)


## A speed: "1.2 MB/s".
static func speed(bytes_per_second: float) -> String:
	return _text("WORDS_PER_SECOND").format({"bytes": bytes(bytes_per_second)})


## A remaining time: "12 s", "3 min", "1 h 20 min".
static func time(seconds: float) -> String:
	var whole := ceili(maxf(seconds, 1.0))
	if whole < 60:
		return _text("WORDS_SECONDS").format({"seconds": whole})
	var minutes := ceili(whole / 60.0)
	if minutes < 60:
		return _text("WORDS_MINUTES").format({"minutes": minutes})
	@warning_ignore("integer_division")
	return _text("WORDS_HOURS").format({"hours": minutes / 60, "minutes": minutes % 60})


## A day, by the calendar of UTC: "Nov 27, 2026".
static func date(unix_time: int) -> String:
	var day := Time.get_date_dict_from_unix_time(unix_time)
	var number: int = day["month"]
	var month := _text(MONTHS[number - 1])
	return _text("WORDS_DATE").format({"day": day["day"], "month": month, "year": day["year"]})


## Some files: the first, and how many more there are. Of a long path, the end.
static func names(paths: PackedStringArray) -> String:
	if paths.is_empty():
		return ""
	var first := paths[0]
	if first.length() > PATH_MAX:
		first = "…" + first.right(PATH_MAX - 1)
	if paths.size() == 1:
		return first
	return _text("WORDS_AND_MORE").format({"first": first, "more": paths.size() - 1})


## A number with the decimal separator of the language.
static func number(amount: float, digits: int) -> String:
	return String.num(amount, digits).pad_decimals(digits).replace(".", _text("WORDS_DECIMAL"))


static func _text(key: StringName) -> String:
	return TranslationServer.translate(key)
