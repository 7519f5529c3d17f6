"""What Python's Kafka clients share: records as JSON has them, bytes in hexadecimal, and producers that are called by name."""


def plain(content):
    return None if content is None else bytes(content).hex()


def content(text):
    return None if text is None else bytes.fromhex(text)


def headers(record):
    return [(key, content(value)) for key, value in record["headers"]]


def shown(offset, timestamp, key, value, headers):
    return {
        "offset": offset,
        "timestamp": timestamp,
        "key": plain(key),
        "value": plain(value),
        "headers": [[name, plain(of)] for name, of in headers or []],
    }


def transactional(open_one, send, close):
    """The functions for transactions, of a client whose producers are opened, send and are closed so."""
    producers = {}

    def open_producer(bootstrap, name, settings):
        producers[name] = open_one(bootstrap, settings)
        producers[name].init_transactions()

    def transaction(name, step, topic=None, records=None):
        producer = producers[name]
        if step == "begin":
            producer.begin_transaction()
        elif step == "send":
            return send(producer, topic, records)
        elif step == "commit":
            producer.commit_transaction()
        elif step == "abort":
            producer.abort_transaction()

    def close_producer(name):
        close(producers.pop(name))

    return {"openProducer": open_producer, "transaction": transaction, "closeProducer": close_producer}
