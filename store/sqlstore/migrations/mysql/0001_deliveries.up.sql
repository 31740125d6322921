-- +goose Up
create table if not exists {schema} (
	version int not null primary key,
	oldest int not null, -- the oldest version of the program that supports the schema
	applied_at bigint not null,
	checksum varchar(64) not null
) engine = InnoDB;

-- Times are microseconds since 1970 in UTC; 0 means none. Text is stored as bytes, so that no collation treats different values as equal.
create table if not exists {messages} (
	id binary(16) not null primary key,
	tenant varbinary(1000) not null,
	idem varbinary(1000), -- null if the message has no key
	hash binary(32), -- of the request; null if there is none
	dispatcher varbinary(1000) not null,
	category varbinary(1000) not null,
	class varbinary(1000) not null,
	template varbinary(1000) not null,
	at_most_once bool not null,
	expire_at bigint not null,
	accepted_at bigint not null,
	body longblob,
	unique key {messages}_key (tenant, idem),
	key {messages}_tenant (tenant, id)
) engine = InnoDB;

create table if not exists {deliveries} (
	message binary(16) not null,
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
	lane varbinary(1000) not null,
	status varbinary(16) not null,
	reason varbinary(1000) not null,
	user_id varbinary(1000) not null,
	address varbinary(4096) not null,
	locale varbinary(1000) not null,
	provider_id varbinary(1000) not null default '',
	suppression binary(32), -- the hash of the suppression that stops the delivery
	failure mediumblob not null,
	body longblob,
	primary key (message, recipient, place),
	key {deliveries}_due (lane, live, due)
) engine = InnoDB;

create table if not exists {attempts} (
	message binary(16) not null,
	recipient int not null,
	place int not null,
	claim bigint not null,
	at bigint not null,
	took bigint not null,
	duplicate bool not null,
	status varbinary(16) not null,
	reason varbinary(1000) not null,
	provider varbinary(1000) not null,
	provider_id varbinary(1000) not null,
	code varbinary(1000) not null,
	failure mediumblob not null,
	primary key (message, recipient, place, claim),
	key {attempts}_provider (provider_id, provider)
) engine = InnoDB;

create table if not exists {schedules} (
	tenant varbinary(1000) not null,
	name varbinary(1000) not null,
	spec blob not null,
	zone varbinary(1000) not null,
	next_at bigint not null,
	body longblob,
	primary key (tenant, name),
	key {schedules}_next (next_at)
) engine = InnoDB;

create table if not exists {pauses} (
	channel varbinary(1000) not null primary key,
	ends_at bigint not null,
	failure mediumblob not null
) engine = InnoDB;

create table if not exists {suppressions} (
	hash binary(32) not null primary key, -- of the tenant, the kind and the address
	tenant varbinary(1000) not null,
	kind varbinary(1000) not null,
	reason varbinary(1000) not null,
	at bigint not null
) engine = InnoDB;

insert into {schema} (version, oldest, applied_at, checksum)
values (1, 1, unix_timestamp() * 1000000, '')
on duplicate key update version = version;
