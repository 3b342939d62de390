"""The rule of `refund-node duplicates` in SQL, with all that its answer holds; prints the number of groups."""

import os
import sys

import duckdb

RULE = """
with recursive charges as (
  select id, created, amount, currency,
    coalesce('customer ' || nullif(customer, ''), 'card ' || nullif(card_fingerprint, '')) as basis,
    payment_intent, amount_refunded > 0 as partly, card_fingerprint as card, "metadata.order_id" as reference
  from read_csv($1, header = true, columns = {
    'id': 'varchar', 'created': 'bigint', 'amount': 'bigint', 'currency': 'varchar', 'status': 'varchar',
    'captured': 'boolean', 'amount_refunded': 'bigint', 'disputed': 'boolean', 'customer': 'varchar',
    'payment_intent': 'varchar', 'card_fingerprint': 'varchar', 'metadata.order_id': 'varchar'})
  where status = 'succeeded' and captured and not disputed and amount_refunded < amount
), near as (
  select *, created - lag(created) over k <= 300 as after, lead(created) over k - created <= 300 as before
  from charges where basis is not null
  window k as (partition by basis, amount, currency order by created, id)
), numbered as (
  select *, row_number() over (partition by basis, amount, currency order by created, id) as n
  from near where after or before
), walk as (
  select *, created as opened from numbered where n = 1
  union all
  select next.*, case when next.created - walk.opened <= 300 then walk.opened else next.created end
  from walk join numbered next using (basis, amount, currency) where next.n = walk.n + 1
), members as (
  select *, row_number() over (
    partition by basis, amount, currency, opened, payment_intent order by created, id) as again
  from walk
)
select list(id order by created, id), count(distinct card), count(distinct reference), bool_or(partly)
from members where again = 1 group by basis, amount, currency, opened having count(*) > 1
"""

connection = duckdb.connect()
connection.execute(f"set threads = {os.cpu_count()}")
connection.execute("set enable_progress_bar = false")
print(len(connection.execute(RULE, [sys.argv[1]]).fetchall()))
