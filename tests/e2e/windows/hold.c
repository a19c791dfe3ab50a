/* hold SECONDS FILE...: opens files as a scanner does that lets others read them, but not write, rename or remove them. */

#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

int main(int count, char **words)
{
	for (int at = 2; at < count; at++)
		if (CreateFileA(words[at], GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL) == INVALID_HANDLE_VALUE) {
			printf("cannot open %s: %lu\n", words[at], GetLastError());
			return 1;
		}
	printf("open\n");
	fflush(stdout);
	Sleep(1000 * atoi(words[1]));
	return 0;
}
