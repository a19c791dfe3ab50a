/* A game for the tests on Windows: says how it was started, signals readiness, and runs as long as it is told to. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

static void note(FILE *out, const char *name)
{
	const char *value = getenv(name);
	fprintf(out, "%s=%s\n", name, value ? value : "");
}

int main(int count, char **words)
{
	const char *fails = getenv("GAME_FAILS"), *version = getenv("VSEKAI_VERSION");
	if (fails && version && !strcmp(fails, version))
		return 3;
	const char *log = getenv("GAME_LOG"), *ready = getenv("VSEKAI_READY_FILE"), *shall = getenv("GAME_READY");
	if (log) {
		FILE *out = fopen(log, "w");
		for (int at = 0; at < count; at++)
			fprintf(out, "argument=%s\n", words[at]);
		note(out, "VSEKAI_VERSION");
		note(out, "VSEKAI_INSTALL_DIR");
		note(out, "VSEKAI_READY_FILE");
		fclose(out);
	}
	if (ready && shall && *shall)
		fclose(fopen(ready, "w"));
	if (getenv("GAME_RUN"))
		Sleep(1000 * atoi(getenv("GAME_RUN")));
	for (int at = 1; at + 1 < count; at++)
		if (!strcmp(words[at], "--exit"))
			return atoi(words[at + 1]);
	return getenv("GAME_EXIT") ? atoi(getenv("GAME_EXIT")) : 0;
}
