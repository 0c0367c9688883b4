"""`pagerline explain`: the life of an alert, Case or incident, put together from what the topics say of it.

asked.py reads the id; search.py finds the records (the only part that knows Kafka); story.py makes one value of them;
screen.py shows it.
"""
