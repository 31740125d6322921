-- +goose Up
create table if not exists {schema} (
	version integer not null primary key,
	oldest integer not null, -- the oldest version of the program that supports the schema
	applied_at integer not null,
	checksum text not null
) strict;

-- Times are microseconds since 1970 in UTC; 0 means none.
create table if not exists {messages} (
	id text not null primary key,
	tenant text not null,
	idem text, -- null if the message has no key
	hash blob, -- of the request; null if there is none
	dispatcher text not null,
	category text not null,
	class text not null,
	template text not null,
	at_most_once integer not null,
	expire_at integer not null,
	accepted_at integer not null,
	body blob
) strict;

create unique index if not exists {messages}_key on {messages} (tenant, idem) where idem is not null;
create index if not exists {messages}_tenant on {messages} (tenant, id);

create table if not exists {deliveries} (
	message text not null,
	recipient integer not null,
	place integer not null, -- the index among the recipient's deliveries
	claim integer not null default 0,
	lane text not null,
	live integer not null, -- not settled; for the claim index only
	due integer not null, -- the earliest time of the next claim
	leased integer not null default 0,
	marked integer not null default 0,
	lapsed integer not null default 0,
	wakes integer not null default 0,
	status text not null,
	reason text not null,
	at integer not null,
	not_before integer not null,
	attempts integer not null default 0,
	spent integer not null default 0,
	doubt integer not null default 0,
	duplicate integer not null default 0,
	canceled integer not null default 0,
	grouped integer not null,
	user_id text not null,
	address text not null,
	locale text not null,
	provider_id text not null default '',
	suppression blob, -- the hash of the suppression that stops the delivery
	failure text not null,
	body blob,
	primary key (message, recipient, place)
) strict, without rowid;

create index if not exists {deliveries}_due on {deliveries} (lane, due) where live = 1;

create table if not exists {attempts} (
	message text not null,
	recipient integer not null,
	place integer not null,
	claim integer not null,
	at integer not null,
	took integer not null,
	status text not null,
	reason text not null,
	provider text not null,
	provider_id text not null,
	code text not null,
	duplicate integer not null,
	failure text not null,
	primary key (message, recipient, place, claim)
) strict, without rowid;

create index if not exists {attempts}_provider on {attempts} (provider_id, provider) where provider_id <> '';

create table if not exists {schedules} (
	tenant text not null,
	name text not null,
	spec text not null,
	zone text not null,
	next_at integer not null,
	body blob,
	primary key (tenant, name)
) strict, without rowid;

create index if not exists {schedules}_next on {schedules} (next_at);

create table if not exists {pauses} (
	channel text not null primary key,
	ends_at integer not null,
	failure text not null
) strict, without rowid;

create table if not exists {suppressions} (
	hash blob not null primary key, -- of the tenant, the kind and the address
	tenant text not null,
	kind text not null,
	reason text not null,
	at integer not null
) strict, without rowid;

insert into {schema} (version, oldest, applied_at, checksum)
values (1, 1, cast(unixepoch() as integer) * 1000000, '')
on conflict do nothing;
