-- Before a join is believed: flights that find no airport, and airports that would count a flight twice. Both must be 0.
SELECT count(*) AS lost
FROM lake.flights.bronze_flights f
WHERE NOT EXISTS (SELECT 1 FROM lake.flights.airports a WHERE f.origin = a.iata);

SELECT count(*) - count(DISTINCT iata) AS doubles FROM lake.flights.airports;

SELECT a.state, count(*) AS flights, round(avg(f.delay), 1) AS delay
FROM lake.flights.bronze_flights f
JOIN lake.flights.airports a ON f.origin = a.iata
GROUP BY a.state
ORDER BY delay DESC, a.state;
