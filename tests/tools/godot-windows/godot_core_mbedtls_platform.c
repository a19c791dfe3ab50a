/* The two functions that mbed TLS asks its platform for, on Windows. */
#include <mbedtls/build_info.h>
#include <mbedtls/platform_util.h>

#include <stddef.h>

/* Through a volatile pointer, so that no compiler leaves it out. */
void mbedtls_platform_zeroize(void *buffer, size_t length) {
	volatile unsigned char *byte = buffer;
	while (length-- > 0) {
		*byte++ = 0;
	}
}

/* RtlGenRandom of advapi32.dll, under the name that it has there. */
unsigned char __stdcall SystemFunction036(void *buffer, unsigned long length);

int mbedtls_hardware_poll(void *data, unsigned char *output, size_t length, size_t *written) {
	(void)data;
	if (!SystemFunction036(output, (unsigned long)length)) {
		return -1;
	}
	*written = length;
	return 0;
}
