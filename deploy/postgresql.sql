-- Once for an installation, as a superuser of PostgreSQL: the owner of the tables, who runs `migrate`, and the role of the
-- running portal, which `manage.py grantportal sla-portal` gives its rights after each `migrate` (docs/operations.md).
CREATE ROLE "sla-portal-owner" LOGIN PASSWORD 'change me';
CREATE ROLE "sla-portal" LOGIN PASSWORD 'change me, too';
CREATE DATABASE "sla-portal" OWNER "sla-portal-owner" ENCODING 'UTF8' TEMPLATE template0;
