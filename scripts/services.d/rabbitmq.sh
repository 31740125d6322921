# RabbitMQ. Tests use virtual hosts of their own, or queues with names of their own.
# shellcheck shell=bash

# The server itself, because Debian's wrapper in /usr/sbin runs only as the user rabbitmq.
server=/usr/lib/rabbitmq/bin/rabbitmq-server

found() { [[ -x $server ]]; }
install() { apt_install rabbitmq-server; }
running() { listening 5672; }

start() {
	listening 4369 || touch "$dir/epmd" # RabbitMQ will start its port mapper, which outlives the server
	spawn env ERL_EPMD_ADDRESS=127.0.0.1 RABBITMQ_NODENAME=notify@localhost RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 \
		RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}" \
		RABBITMQ_MNESIA_BASE="$dir/data" RABBITMQ_LOG_BASE="$dir" RABBITMQ_CONFIG_FILE="$dir/none" \
		RABBITMQ_ENABLED_PLUGINS_FILE="$dir/plugins" RABBITMQ_PID_FILE="$dir/rabbitmq.pid" "$server"
}

stop() {
	stop_spawned
	if [[ -e $dir/epmd ]]; then epmd -kill >/dev/null || true; fi
}

variables() { echo "NOTIFY_RABBITMQ=amqp://guest:guest@127.0.0.1:5672/"; }
