"""Nobody floods: token buckets for all, for a user and for a cluster, decided together, in memory or in Redis."""
