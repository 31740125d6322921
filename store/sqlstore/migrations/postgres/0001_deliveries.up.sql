-- +goose Up
create table if not exists {schema} (
	version int not null primary key,
	oldest int not null, -- the oldest version of the program that supports the schema
	applied_at bigint not null,
	checksum text not null
);

-- Times are microseconds since 1970 in UTC; 0 means none.
create table if not exists {messages} (
	id uuid not null primary key,
	tenant text collate "C" not null,
	idem text collate "C", -- null if the message has no key
	hash bytea, -- of the request; null if there is none
	dispatcher text not null,
	category text collate "C" not null,
	class text collate "C" not null,
	template text collate "C" not null,
	at_most_once bool not null,
	expire_at bigint not null,
	accepted_at bigint not null,
	body bytea
);

create unique index if not exists {messages}_key on {messages} (tenant, idem) where idem is not null;
create index if not exists {messages}_tenant on {messages} (tenant, id);

create table if not exists {deliveries} (
	message uuid not null,
	recipient int not null,
	place int not null, -- the index among the recipient's deliveries
	claim bigint not null default 0,
	due bigint not null, -- the earliest time of the next claim
	at bigint not null,
	not_before bigint not null,
	wakes bigint not null default 0,
	lapsed int not null default 0,
	attempts int not null default 0,
	spent int not null default 0,
	live bool not null, -- not settled; for the claim index only
	leased bool not null default false,
	marked bool not null default false,
	doubt bool not null default false,
	duplicate bool not null default false,
	canceled bool not null default false,
	grouped bool not null,
	lane text collate "C" not null,
	status text collate "C" not null,
	reason text collate "C" not null,
	user_id text collate "C" not null,
	address text collate "C" not null,
	locale text not null,
	provider_id text not null default '',
	suppression bytea, -- the hash of the suppression that stops the delivery
	failure text not null,
	body bytea,
	primary key (message, recipient, place)
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_analyze_scale_factor = 0.02);

create index if not exists {deliveries}_due on {deliveries} (lane, due) where live;

create table if not exists {attempts} (
	message uuid not null,
	recipient int not null,
	place int not null,
	claim bigint not null,
	at bigint not null,
	took bigint not null,
	duplicate bool not null,
	status text not null,
	reason text not null,
	provider text collate "C" not null,
	provider_id text collate "C" not null,
	code text not null,
	failure text not null,
	primary key (message, recipient, place, claim)
);

create index if not exists {attempts}_provider on {attempts} (provider_id, provider) where provider_id <> '';

create table if not exists {schedules} (
	tenant text collate "C" not null,
	name text collate "C" not null,
	spec text not null,
	zone text not null,
	next_at bigint not null,
	body bytea,
	primary key (tenant, name)
);

create index if not exists {schedules}_next on {schedules} (next_at);

create table if not exists {pauses} (
	channel text collate "C" not null primary key,
	ends_at bigint not null,
	failure text not null
);

create table if not exists {suppressions} (
	hash bytea not null primary key, -- of the tenant, the kind and the address
	tenant text collate "C" not null,
	kind text collate "C" not null,
	reason text not null,
	at bigint not null
);

insert into {schema} (version, oldest, applied_at, checksum)
values (1, 1, (extract(epoch from now()) * 1000000)::bigint, '')
on conflict do nothing;
