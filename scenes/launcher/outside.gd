class_name Outside
## Opens what is outside of the launcher: pages in the browser, folders, the log.

## The guide for authors, below the project's page.
const GUIDE := "/blob/main/docs/launcher.md#make-it-yours"
## So much of the diagnostics fits into an address.
const REPORT_MAX := 1500


static func open_guide(branding: Branding) -> void:
	OS.shell_open(branding.project_url + GUIDE)


## Where a newer launcher is.
static func open_project(branding: Branding) -> void:
	OS.shell_open(branding.project_url)


## The diagnostics go along as the text of the report, for the person to read before it is sent.
static func open_report(branding: Branding, diagnostics: String) -> void:
	var body := "\n\n```\n%s\n```\n" % diagnostics.left(REPORT_MAX)
	var join := "&" if "?" in branding.report_url else "?"
	OS.shell_open(branding.report_url + join + "body=" + body.uri_encode())
