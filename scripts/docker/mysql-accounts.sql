-- The accounts of the integration tests: see docker-compose.test.yml.
CREATE USER admin@'%' IDENTIFIED BY 'admin-of-tests';
GRANT ALL PRIVILEGES ON *.* TO admin@'%' WITH GRANT OPTION;
CREATE USER reader@'%' IDENTIFIED BY 'reader-of-tests';
GRANT SELECT ON *.* TO reader@'%';
