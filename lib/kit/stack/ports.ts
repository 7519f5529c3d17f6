/** All ports of the stack, by service. All listen on the loopback interface alone. */
export const PORTS = {
  seaweedfs: {
    s3: 8333,
    master: 9333,
    volume: 8380,
    filer: 8888,
    s3Grpc: 18333,
    masterGrpc: 19333,
    volumeGrpc: 18380,
    filerGrpc: 18888,
    metrics: 9327,
  },
  etcd: { client: 2379, peer: 2380 },
  catalog: { http: 8181, telemetry: 9464 },
  log: { kafka: 9092, grpc: 50051, schemas: 8081, peers: 50052, telemetry: 9465 },
  nessie: { http: 19120, management: 19121 },
  trino: { http: 8080 },
  "trino-worker-1": { http: 8084 },
  "trino-worker-2": { http: 8085 },
  mlflow: { http: 5000 },
  prometheus: { http: 9090 },
  alertmanager: { http: 9093 },
  grafana: { http: 3000 },
} as const satisfies Readonly<Record<string, Readonly<Record<string, number>>>>;

export type ServiceName = keyof typeof PORTS;
