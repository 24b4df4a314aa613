-- {writer} is the role that services connect as: it makes, fills and drops generations, and owns what it makes.
CREATE ROLE {writer} LOGIN;
GRANT USAGE, CREATE ON SCHEMA {schema} TO {writer};
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.cqrs_projections, {schema}.cqrs_generations, {schema}.cqrs_checkpoints,
  {schema}.cqrs_leases TO {writer};
GRANT SELECT ON {schema}.cqrs_catalogue, {schema}.cqrs_read_models TO {writer};

-- {reader} reads: the views of the projections, also of those to come, and which generation each leads to.
CREATE ROLE {reader} NOLOGIN;
GRANT USAGE ON SCHEMA {schema} TO {reader};
GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {reader};
ALTER DEFAULT PRIVILEGES FOR ROLE {writer} IN SCHEMA {schema} GRANT SELECT ON TABLES TO {reader};
