# A mail server: Exim, run from the folder where it is unpacked, so that the machine's own mail server stays as it is.
#
# 127.0.0.1:20587 speaks STARTTLS, 127.0.0.1:20465 implicit TLS. Both accept mail for example.com, example.net and example.org
# without authentication, and for all other domains after AUTH (PLAIN, LOGIN or CRAM-MD5, over TLS only). No mail leaves the
# machine: all of it goes to one Maildir, with the recipient in the Envelope-To field. Mailboxes that start with "nobody" do not
# exist: 550 5.1.1. Mailboxes that start with "full" are full: 452 4.2.2.
# shellcheck shell=bash

starttls=20587 tls=20465 user=notify password=correct-horse

exim=$run/exim/usr/sbin/exim4

found() {
	[[ -x $exim ]] && command -v openssl >/dev/null || return
	! LD_PRELOAD=libnss_wrapper.so ldd "$exim" 2>&1 | grep -q -e 'not found' -e 'cannot be preloaded'
}

# install installs Exim's libraries, but only unpacks Exim, because the package would replace the machine's mail server.
# libnss-wrapper provides the user that Exim runs as.
install() {
	local libraries
	apt_refresh
	libraries=$(apt-cache depends exim4-daemon-light | sed -n 's/^ *|\{0,1\}Depends: \(lib[^ <>]*\)$/\1/p')
	# shellcheck disable=SC2086 # a list of packages
	apt_install openssl libnss-wrapper $libraries
	rm -rf "$run/exim" && mkdir -p "$run/exim"
	(cd "$run/exim" && apt-get -qq download exim4-daemon-light 2>"$run/apt.log" && dpkg -x exim4-daemon-light_*.deb .) ||
		{ cat "$run/apt.log" >&2; die "smtp: exim4-daemon-light could not be unpacked"; }
	chmod u-s "$exim"
}

running() { listening "$starttls" && listening "$tls" && [[ -r $dir/ca.pem ]]; }

start() {
	folder "$dir/spool" "$dir/maildir"/{,new,cur,tmp}
	certify
	configure
	printf 'Debian-exim:x:%s:%s::%s:/bin/sh\n' "$(daemon_id u)" "$(daemon_id g)" "$dir" >"$dir/passwd"
	printf 'Debian-exim:x:%s:\n' "$(daemon_id g)" >"$dir/group"
	spawn env LD_PRELOAD=libnss_wrapper.so NSS_WRAPPER_PASSWD="$dir/passwd" NSS_WRAPPER_GROUP="$dir/group" \
		"$exim" -C "$dir/exim.conf" -bdf -q10s
}

variables() {
	cat <<-END
		NOTIFY_SMTP_HOST=127.0.0.1
		NOTIFY_SMTP_STARTTLS_PORT=$starttls
		NOTIFY_SMTP_TLS_PORT=$tls
		NOTIFY_SMTP_USER=$user
		NOTIFY_SMTP_PASSWORD=$password
		NOTIFY_SMTP_CA=$dir/ca.pem
		NOTIFY_SMTP_MAILDIR=$dir/maildir
	END
}

daemon_id() { as_daemon id -"$1"; }

# certify creates a certificate authority, and a certificate for localhost, valid for 30 days.
certify() {
	(
		cd "$dir" || exit
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=notify test CA" \
			-addext "keyUsage=critical,keyCertSign" -keyout ca.key -out ca.pem
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=localhost" -keyout server.key -out server.csr
		openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out server.pem \
			-extfile <(printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n')
		rm ca.key server.csr
		chmod 644 ca.pem server.pem server.key # the key is for tests only
	) 2>"$dir/openssl.log"
}

configure() {
	cat >"$dir/exim.conf" <<-END
		primary_hostname = localhost
		spool_directory = $dir/spool
		log_file_path = $dir/%slog
		pid_file_path = $dir/spool/exim.pid
		local_interfaces = 127.0.0.1
		daemon_smtp_ports = $starttls : $tls
		tls_on_connect_ports = $tls
		tls_advertise_hosts = *
		tls_certificate = $dir/server.pem
		tls_privatekey = $dir/server.key
		domainlist ours = example.com : example.net : example.org
		acl_smtp_rcpt = recipient
		acl_smtp_data = accept
		smtputf8_advertise_hosts = *
		message_size_limit = 20M
		smtp_accept_max = 500
		smtp_accept_queue_per_connection = 0
		deliver_drop_privilege
		prdr_enable = false
		keep_environment =

		begin acl
		recipient:
		  deny local_parts = ^nobody
		       message = 550 5.1.1 no such user
		  defer local_parts = ^full
		       message = 452 4.2.2 mailbox full
		  accept domains = +ours
		  accept authenticated = *
		  deny message = 550 5.7.1 relaying needs authentication

		begin routers
		all:
		  driver = accept
		  transport = maildir

		begin transports
		maildir:
		  driver = appendfile
		  directory = $dir/maildir
		  maildir_format
		  create_directory = false
		  envelope_to_add
		  return_path_add

		begin retry
		* * F,1m,5s

		begin authenticators
		plain:
		  driver = plaintext
		  public_name = PLAIN
		  server_advertise_condition = \${if def:tls_in_cipher}
		  server_prompts = :
		  server_condition = \${if and {{eq{\$auth2}{$user}}{eq{\$auth3}{$password}}}}
		  server_set_id = \$auth2
		login:
		  driver = plaintext
		  public_name = LOGIN
		  server_advertise_condition = \${if def:tls_in_cipher}
		  server_prompts = Username:: : Password::
		  server_condition = \${if and {{eq{\$auth1}{$user}}{eq{\$auth2}{$password}}}}
		  server_set_id = \$auth1
		cram:
		  driver = cram_md5
		  public_name = CRAM-MD5
		  server_advertise_condition = \${if def:tls_in_cipher}
		  server_secret = \${if eq{\$auth1}{$user}{$password}fail}
		  server_set_id = \$auth1
	END
}
