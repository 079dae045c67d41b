# cython: language_level=3
"""CRC-32C by the processor's own instruction, where it has one (SSE 4.2)."""

cdef extern from *:
    """
    #if defined(__x86_64__) && defined(__GNUC__)
    #include <string.h>
    static int has_crc32c(void) { return __builtin_cpu_supports("sse4.2"); }
    __attribute__((target("sse4.2")))
    static unsigned int crc32c(const char* at, Py_ssize_t size) {
        unsigned long long crc = 0xffffffff, eight;
        for (; size >= 8; at += 8, size -= 8) {
            memcpy(&eight, at, 8);
            crc = __builtin_ia32_crc32di(crc, eight);
        }
        for (; size > 0; at++, size--) crc = __builtin_ia32_crc32qi((unsigned int)crc, *at);
        return ~(unsigned int)crc;
    }
    #else
    static int has_crc32c(void) { return 0; }
    static unsigned int crc32c(const char* at, Py_ssize_t size) { return 0; }
    #endif
    """
    bint has_crc32c() noexcept
    unsigned int crc32c(const char* at, Py_ssize_t size) noexcept
