-- Fills a Hokm database at revision 0004 (contracted or not) with generated players and finished games:
--     psql -v ON_ERROR_STOP=1 [-v players=200000] [-v rooms=19300] -f fill.sql DATABASE
-- 52 plays a room: 19,300 rooms are 1,003,600 plays.  Needs 4 * rooms <= players.
\if :{?players}
\else
    \set players 200000
\endif
\if :{?rooms}
\else
    \set rooms 19300
\endif

SELECT current_setting('is_superuser') AS is_superuser \gset
BEGIN;
SET LOCAL synchronous_commit = off;
\if :is_superuser
    -- The rows are right by how they are made: two million foreign keys need not be looked up.
    SET LOCAL session_replication_role = replica;
\endif

CREATE TEMPORARY TABLE base ON COMMIT DROP AS
SELECT coalesce((SELECT max(id) FROM public.players), 0) AS player,
       coalesce((SELECT max(id) FROM public.rooms), 0) AS room;

-- Players 1 .. 4 * rooms of these have played one game each.  Team 0 wins the even rooms.
INSERT INTO public.players (id, name, bio, games_played, games_won, points)
SELECT base.player + g, 'player ' || (base.player + g), 'plays since ' || (2000 + g % 26),
       CASE WHEN g <= 4 * :rooms THEN 1 ELSE 0 END,
       CASE WHEN g <= 4 * :rooms AND (g - 1) % 2 = ((g - 1) / 4) % 2 THEN 1 ELSE 0 END,
       g % 500
FROM base, generate_series(1, :players) g;

INSERT INTO public.rooms (id, phase, hakem, trump, trick, turn, tricks_team0, tricks_team1)
SELECT base.room + g + 1, 'finished', g % 4, substr('SHDC', g % 4 + 1, 1), 13, 0,
       CASE WHEN g % 2 = 0 THEN 8 ELSE 5 END, CASE WHEN g % 2 = 0 THEN 5 ELSE 8 END
FROM base, generate_series(0, :rooms - 1) g;

INSERT INTO public.seats (room_id, seat, player_id)
SELECT base.room + g / 4 + 1, g % 4, base.player + g + 1
FROM base, generate_series(0, 4 * :rooms - 1) g;

INSERT INTO public.room_results (room_id, winner, tricks_team0, tricks_team1)
SELECT r.id, CASE WHEN r.tricks_team0 > r.tricks_team1 THEN 0 ELSE 1 END,
       r.tricks_team0, r.tricks_team1
FROM base, public.rooms r
WHERE r.id > base.room;

-- In every room the suits go round: trick t is led by rank t of some suit, and all follow with it.
INSERT INTO public.plays (room_id, trick, seat, position, player_id, card, played_at)
SELECT base.room + g / 52 + 1, g % 52 / 4, g % 4, g % 4, base.player + g / 52 * 4 + g % 4 + 1,
       substr('23456789TJQKA', g % 52 / 4 + 1, 1) || substr('SHDC', (g + g / 52) % 4 + 1, 1),
       now() - g % 52 * interval '1 second'
FROM base, generate_series(0, 52 * :rooms - 1) g;

SELECT setval(pg_get_serial_sequence('public.players', 'id'), (SELECT max(id) FROM public.players)),
       setval(pg_get_serial_sequence('public.rooms', 'id'), (SELECT max(id) FROM public.rooms))
\g /dev/null
COMMIT;

ANALYZE public.players, public.rooms, public.seats, public.plays, public.room_results;
