"""Operations on PostgreSQL: one event loop, a few connections, one transaction a write."""
