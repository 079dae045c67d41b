# cython: language_level=3

cdef tuple signature_beside(
    tuple headers, bytes full_name, str event_id, str agency, bytes subject, occurred_at
)
