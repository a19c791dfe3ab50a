/* hold SECONDS FILE...: opens files as a scanner does that lets others read them, but not write, rename or remove them. */

#include <stdio.h>
#include <stdlib.h>
#include <windows.h>
#include <shellapi.h>

int main(void)
{
	int count;
	wchar_t **words = CommandLineToArgvW(GetCommandLineW(), &count);
	for (int at = 2; at < count; at++)
		if (CreateFileW(words[at], GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL) == INVALID_HANDLE_VALUE) {
			printf("cannot open %ls: %lu\n", words[at], GetLastError());
			return 1;
		}
	printf("open\n");
	fflush(stdout);
	Sleep(1000 * _wtoi(words[1]));
	return 0;
}
