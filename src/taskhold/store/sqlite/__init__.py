"""Operations on one SQLite file: reads on the event loop, writes in group commits."""
