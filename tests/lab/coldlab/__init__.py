"""coldlab: a laboratory of real mail hosts in network namespaces."""
