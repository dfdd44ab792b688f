//! Rules, statistics, cost and join order.
